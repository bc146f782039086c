#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/ledger/account.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/parameter_list.h"
#include "moqt/session/authorization/token_fault.h"

namespace msquic_py::moqt::session {

/// AUTHORIZATION TOKEN has the same number in SETUP and in every other message.
inline constexpr auto kTokenParameter = static_cast<std::uint64_t>(MessageParameter::kAuthorizationToken);
static_assert(kTokenParameter == static_cast<std::uint64_t>(SetupParameter::kAuthorizationToken));
/// What one registered token counts for besides its value [d15 §9.3.1.4].
inline constexpr std::uint64_t kTokenOverhead = 16;

/// The tokens that the peer has registered with this endpoint [d15 §9.2.1.1]. They take at most the advertised
/// MAX_AUTH_TOKEN_CACHE_SIZE, and because each counts for 16 bytes at least, their number is bounded as well.
class TokenCache {
 public:
  /// kEarlySetup: a SETUP that was sent before the limit could be known.
  enum class Carrier : std::uint8_t { kEarlySetup, kOther };

  /// `limit` in bytes, as advertised; 0 allows no alias. What is kept is charged to `account`.
  explicit TokenCache(std::uint64_t limit, const std::shared_ptr<base::Account>& account = nullptr) noexcept
      : limit_(limit), memory_(account) {}

  /// Does what the tokens of one message say, in their order, and leaves in `parameters` what they stand for: type and
  /// value of each as USE_VALUE, and nothing of a DELETE. What was registered before a fault stays registered, so that
  /// a message which fails for any other reason registers as well. In CLIENT_SETUP, a token beyond the limit is used
  /// but not registered [d15 §9.3.1.5].
  std::optional<TokenFault> take(ParameterList& parameters, Carrier carrier = Carrier::kOther);

  /// The application knows that this token has expired: it keeps its alias and its size, and whatever uses the alias
  /// is refused with EXPIRED_AUTH_TOKEN.
  void expire(const AuthorizationToken& token);

  /// Bytes registered, counted as the draft does.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  struct Registered {
    std::uint64_t token_type = 0;
    base::ByteVector value;  ///< empty when expired
    std::uint64_t size = 0;
    bool expired = false;
  };

  std::optional<TokenFault> add(const AuthorizationToken& token, Carrier carrier);

  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  base::Charge memory_;
  std::unordered_map<std::uint64_t, Registered> by_alias_;
};

}  // namespace msquic_py::moqt::session
