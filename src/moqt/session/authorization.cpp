#include "moqt/session/authorization.h"

#include <set>
#include <string_view>
#include <utility>

namespace msquic_py::moqt::session {

std::optional<TokenFault> check_tokens(const std::vector<AuthorizationToken>& tokens) {
  for (const AuthorizationToken& token : tokens) {
    switch (token.alias_type) {
      case TokenAliasType::kRegister:
        return TokenFault{SessionErrorCode::kAuthTokenCacheOverflow,
                          "REGISTER although the token cache size is 0 (section 9.2.1.1)"};
      case TokenAliasType::kUseAlias:
      case TokenAliasType::kDelete:
        // REQUEST_ERROR has no code for this, the session has.
        return TokenFault{SessionErrorCode::kUnknownAuthTokenAlias,
                          "a token alias that was never registered (section 9.2.1.1)"};
      case TokenAliasType::kUseValue: break;
    }
  }
  return check_distinct_tokens(tokens);
}

std::optional<TokenFault> check_distinct_tokens(const std::vector<AuthorizationToken>& tokens) {
  if (tokens.size() < 2) return std::nullopt;
  std::set<std::pair<std::uint64_t, std::string_view>> seen;
  for (const AuthorizationToken& token : tokens) {
    if (!seen.emplace(token.token_type, base::as_text(token.value)).second) {
      return TokenFault{SessionErrorCode::kProtocolViolation,
                        "a token repeated in one message (sections 9.2, 9.2.1.1)"};
    }
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt::session
