#pragma once

#include <optional>
#include <string_view>

#include "moqt/model/authorization_token.h"

namespace msquic_py::moqt {

/// A token as people write it: its text, behind the number of its type and a colon when the type is not 0. A text
/// before a colon that is no number belongs to the value. Nothing when there is no value.
std::optional<AuthorizationToken> token_of_text(std::string_view text);

}  // namespace msquic_py::moqt
