#include "moqt/session/authorization.h"

namespace msquic_py::moqt::session {

std::optional<TokenFault> check_tokens(const std::vector<AuthorizationToken>& tokens) noexcept {
  for (const AuthorizationToken& token : tokens) {
    switch (token.alias_type) {
      case TokenAliasType::kRegister:
        return TokenFault{SessionErrorCode::kAuthTokenCacheOverflow, "REGISTER although the token cache size is 0 (section 9.2.1.1)"};
      case TokenAliasType::kUseAlias:
      case TokenAliasType::kDelete:
        // REQUEST_ERROR has no code for this, the session has.
        return TokenFault{SessionErrorCode::kUnknownAuthTokenAlias, "a token alias that was never registered (section 9.2.1.1)"};
      case TokenAliasType::kUseValue: break;
    }
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt::session
