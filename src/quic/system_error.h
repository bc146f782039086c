#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace msquic_py::quic {

/// The name of a system error, "EMFILE", that MsQuic handed on as a QUIC_STATUS as it is; empty for what has a status
/// of its own. Windows has statuses for all of them.
std::string_view system_error_name(std::int64_t raw) noexcept;
/// What the system says of it: "Too many open files".
std::string system_error_text(std::int64_t raw);

}  // namespace msquic_py::quic
