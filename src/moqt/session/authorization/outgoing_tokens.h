#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "moqt/model/authorization_token.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

/// The tokens that this endpoint sends, and which of them the peer keeps for it [d15 §9.2.1.1]. A token that is used a
/// second time is registered, if the peer's MAX_AUTH_TOKEN_CACHE_SIZE has room for it, and goes by its alias from then
/// on. Without room the token that was not used for longest is deleted, and the new one comes in with its next use:
/// a receiver that counts before it deletes must not see its limit exceeded.
class OutgoingTokens {
 public:
  /// `most_bytes`: what is registered at most, however much the peer allows.
  /// `always`: what each request carries; `for_publishers`: what those carry besides that ask for a track's objects.
  OutgoingTokens(std::uint64_t most_bytes, std::vector<AuthorizationToken> always,
                 std::vector<AuthorizationToken> for_publishers) noexcept
      : most_bytes_(most_bytes), always_(std::move(always)), for_publishers_(std::move(for_publishers)) {}

  /// Adds a token to SETUP; one with REGISTER gets an alias. For a client the peer's limit is not known yet.
  void add_to_setup(const AuthorizationToken& token, SetupParameters& parameters);
  /// The limit of the peer's SETUP. A client purges what its CLIENT_SETUP could not register [d15 §9.3.1.5]: the first
  /// one beyond the limit, and those behind it, of which servers may think differently.
  void set_peer_limit(std::uint64_t bytes) noexcept;

  /// The message with the tokens that each request of its kind carries; nothing when it stays as it is.
  [[nodiscard]] std::optional<wire::MessageBody> complete(const wire::MessageBody& message) const;
  /// The message with aliases in place of tokens, and with the DELETEs that are due; nothing when it stays as it is.
  std::optional<wire::MessageBody> with_aliases(const wire::MessageBody& message);

  /// The message with every token as it is, none with an alias; nothing when it stays as it is. Where requests travel
  /// on streams of their own they overtake each other, and an alias may come ahead of what registers it.
  [[nodiscard]] static std::optional<wire::MessageBody> with_values(const wire::MessageBody& message);

  /// REGISTER with the next message that carries the token, not only with the second one.
  void keep(const AuthorizationToken& token);
  /// Its use is over: if it is registered, DELETE goes out with the next request that may carry tokens.
  void retire(const AuthorizationToken& token);

  /// Whether an application may give these: type and value only, or REGISTER without a number. Aliases are given here.
  [[nodiscard]] static bool sendable(const wire::MessageBody& message) noexcept;

  /// Bytes registered with the peer, counted as the draft does.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  struct Token {
    std::uint64_t token_type = 0;
    base::ByteVector value;
    std::optional<std::uint64_t> alias;
    bool kept = false;
    std::uint64_t uses = 0;
    std::uint64_t last_use = 0;  ///< counts messages
  };

  /// What is remembered of a token of that type and value; the end when nothing is.
  std::vector<Token>::iterator find(const AuthorizationToken& token);
  Token& remember(const AuthorizationToken& token);
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_ < most_bytes_ ? limit_ : most_bytes_; }
  void use(AuthorizationToken& token);
  /// Marks what was not used for longest for deletion, until so many bytes are or will be free.
  void make_room(std::uint64_t bytes);
  void replace(ParameterList& parameters);

  std::uint64_t most_bytes_;
  std::vector<AuthorizationToken> always_;
  std::vector<AuthorizationToken> for_publishers_;
  std::uint64_t limit_ = 0;
  bool limit_known_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t next_alias_ = 1;
  std::uint64_t messages_ = 0;
  std::vector<Token> tokens_;
  struct Retired {
    std::uint64_t alias;
    std::uint64_t size;
  };
  std::vector<Retired> retired_;  ///< their DELETE has not gone out
};

}  // namespace msquic_py::moqt::session
