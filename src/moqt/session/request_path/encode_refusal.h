#pragma once

#include "moqt/session/session_error.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::session {

/// Why a message of the application cannot be put on the wire.
SessionError refusal_of(wire::EncodeError error) noexcept;

}  // namespace msquic_py::moqt::session
