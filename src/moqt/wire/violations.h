#pragma once

#include "base/decoded.h"
#include "moqt/model/error_codes.h"

namespace msquic_py::moqt::wire {

/// A violation that closes the session with `code`; `what` names the rule and its section, with static storage.
constexpr base::Violation violation(SessionErrorCode code, const char* what) noexcept {
  return {static_cast<std::uint64_t>(code), what};
}
constexpr base::Violation protocol_violation(const char* what) noexcept {
  return violation(SessionErrorCode::kProtocolViolation, what);
}
constexpr base::Violation key_value_formatting_error(const char* what) noexcept {
  return violation(SessionErrorCode::kKeyValueFormattingError, what);
}

/// Not the peer's fault: what it sent is more than this receiver takes. It costs the stream, not the session.
constexpr bool is_receiver_limit(const base::Violation& violation) noexcept {
  return violation.code == static_cast<std::uint64_t>(SessionErrorCode::kInternalError);
}

}  // namespace msquic_py::moqt::wire
