#include "quic/wire_code.h"

#include <array>
#include <charconv>

namespace msquic_py::quic {
namespace {

constexpr std::uint64_t kFirstCryptoError = 0x100;
constexpr std::uint64_t kLastCryptoError = 0x1ff;
constexpr std::uint64_t kInvalidToken = 0xb;

constexpr std::string_view kTransportErrors[] = {
    "NO_ERROR",
    "INTERNAL_ERROR",
    "CONNECTION_REFUSED",
    "FLOW_CONTROL_ERROR",
    "STREAM_LIMIT_ERROR",
    "STREAM_STATE_ERROR",
    "FINAL_SIZE_ERROR",
    "FRAME_ENCODING_ERROR",
    "TRANSPORT_PARAMETER_ERROR",
    "CONNECTION_ID_LIMIT_ERROR",
    "PROTOCOL_VIOLATION",
    "INVALID_TOKEN",
    "APPLICATION_ERROR",
    "CRYPTO_BUFFER_EXCEEDED",
    "KEY_UPDATE_ERROR",
    "AEAD_LIMIT_REACHED",
    "NO_VIABLE_PATH",
    "VERSION_NEGOTIATION_ERROR",
};

struct Alert {
  std::uint64_t number;
  std::string_view name;
};
constexpr Alert kAlerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {22, "record_overflow"},
    {40, "handshake_failure"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

std::string in_hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return "0x" + std::string(digits.data(), end);
}

}  // namespace

std::string_view wire_code_name(std::uint64_t code) noexcept {
  if (code < std::size(kTransportErrors)) return kTransportErrors[code];
  return code >= kFirstCryptoError && code <= kLastCryptoError ? "CRYPTO_ERROR" : std::string_view();
}

std::string_view tls_alert_name(std::uint64_t alert) noexcept {
  for (const Alert& each : kAlerts) {
    if (each.number == alert) return each.name;
  }
  return {};
}

std::string describe_wire_code(std::uint64_t code) {
  std::string text(wire_code_name(code));
  if (code >= kFirstCryptoError && code <= kLastCryptoError) {
    const std::uint64_t alert = code - kFirstCryptoError;
    const std::string_view name = tls_alert_name(alert);
    text += " " + (name.empty() ? "alert " + std::to_string(alert) : std::string(name));
  }
  // MsQuic 2.5 says that an application gave up during the handshake with the number of INVALID_TOKEN.
  if (code == kInvalidToken) text += " or, from MsQuic, APPLICATION_ERROR";
  if (text.empty()) text = "an unknown code";
  return text + " (" + in_hexadecimal(code) + ")";
}

}  // namespace msquic_py::quic
