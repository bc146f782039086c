#pragma once

#include <string>

#include "base/result.h"
#include "moqt/model/authorization_token.h"

namespace msquic_py::apps {

/// The token that an argument names: its text, TYPE:TEXT when the type is not 0, or @FILE with one of these in it. The
/// error does not repeat the token. It is registered with the server, as one that comes with every request.
base::Result<moqt::AuthorizationToken, std::string> read_token(const std::string& argument);

}  // namespace msquic_py::apps
