#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace msquic_py::quic {

/// The name of a QUIC transport error code (RFC 9000 section 20.1, RFC 9368), e.g. "FLOW_CONTROL_ERROR"; "" when it has
/// none. Codes from 0x100 to 0x1ff are CRYPTO_ERROR, whatever the alert.
std::string_view wire_code_name(std::uint64_t code) noexcept;
/// The name of a TLS alert (RFC 8446 section 6), e.g. "unknown_ca"; "" when it has none.
std::string_view tls_alert_name(std::uint64_t alert) noexcept;
/// For messages: "FLOW_CONTROL_ERROR (0x3)", "CRYPTO_ERROR unknown_ca (0x130)", "an unknown code (0x1234)".
std::string describe_wire_code(std::uint64_t code);

}  // namespace msquic_py::quic
