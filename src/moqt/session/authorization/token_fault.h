#pragma once

#include <string_view>
#include <variant>

#include "moqt/model/error_codes.h"

namespace msquic_py::moqt::session {

/// What is wrong with the tokens of a message: it costs the session, or only the request that carries them.
struct TokenFault {
  std::variant<SessionErrorCode, RequestErrorCode> code;
  std::string_view reason;
};

}  // namespace msquic_py::moqt::session
