#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "moqt/model/authorization_token.h"
#include "moqt/model/error_codes.h"

namespace msquic_py::moqt::session {

/// Tokens with which a peer may not use an alias, because this endpoint advertises a token cache of size 0
/// (MAX_AUTH_TOKEN_CACHE_SIZE, [d15 §9.3.1.4]). USE_VALUE is the application's to judge.
struct TokenFault {
  SessionErrorCode code;
  std::string_view reason;
};

/// The error that the tokens of a message other than CLIENT_SETUP close the session with. In CLIENT_SETUP a REGISTER
/// counts as USE_VALUE, since the client could not know the limit [d15 §9.3.1.5].
std::optional<TokenFault> check_tokens(const std::vector<AuthorizationToken>& tokens);
/// The error for a token that is given twice in one message: the parameter may be repeated only as long as type and
/// value differ [d15 §9.2.1.1]. Part of check_tokens(), and all there is to check in CLIENT_SETUP.
std::optional<TokenFault> check_distinct_tokens(const std::vector<AuthorizationToken>& tokens);

}  // namespace msquic_py::moqt::session
