#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/track_namespace.h"
#include "relay/admission_policy.h"

namespace msquic_py::relay {

/// Admits whoever shows a token of a list. A token of CLIENT_SETUP counts for the whole session, one of a request for
/// that request; a session that shows none is admitted, and only its requests are judged, but one that shows only
/// unknown ones is refused.
///
/// A line of the list is a token, what it allows (all when left out) and the namespaces it is good for (all when left
/// out), separated by blanks:
///
///     viewer-secret   subscribe,fetch   live/demo
///     7:studio-key    publish           live
///     administrator
///
/// A token is its text, behind its type and a colon when the type is not 0. `publish` stands for PUBLISH and
/// PUBLISH_NAMESPACE, `subscribe` for SUBSCRIBE with its updates, SUBSCRIBE_NAMESPACE and TRACK_STATUS, `fetch` for
/// FETCH, `*` for everything. A namespace is cut at '/' and covers what begins with its fields. What follows '#' at the
/// beginning of a line or behind a blank is a comment.
class TokenPolicy final : public AdmissionPolicy {
 public:
  /// The error says which line is wrong, and why; it does not repeat the token.
  static base::Result<TokenPolicy, std::string> parse(std::string_view list);

  std::optional<moqt::session::Verdict> judge(const Applicant& applicant,
                                              const moqt::session::AuthorizationRequested& question) override;
  void left(std::uint64_t peer) override { sessions_.erase(peer); }

 private:
  struct Grant {
    std::uint64_t token_type = 0;
    base::ByteVector value;
    bool publish = false;
    bool subscribe = false;
    bool fetch = false;
    moqt::TrackNamespace prefix;  ///< without fields: every namespace

    [[nodiscard]] bool allows(moqt::session::Operation operation, const moqt::TrackNamespace& name) const;
    [[nodiscard]] bool is_of(const moqt::AuthorizationToken& token) const noexcept;
  };
  using Tokens = std::vector<moqt::AuthorizationToken>;

  [[nodiscard]] bool known(const Tokens& tokens) const;
  [[nodiscard]] bool allowed(const Tokens& tokens, const moqt::session::AuthorizationRequested& question) const;

  std::vector<Grant> grants_;
  std::unordered_map<std::uint64_t, Tokens> sessions_;  ///< what CLIENT_SETUP showed, by peer
};

}  // namespace msquic_py::relay
