#include "quic/status.h"

#include <msquic.h>

#include <array>
#include <cerrno>

#include "quic/system_error.h"
#include "quic/wire_code.h"

namespace msquic_py::quic {
namespace {

struct Description {
  Status status;
  std::string_view name;
  std::string_view text;
};

constexpr Description kDescriptions[] = {
    {Status::Success, "Success", "no error"},
    {Status::Pending, "Pending", "the operation goes on in the background"},
    {Status::OutOfMemory, "OutOfMemory", "out of memory"},
    {Status::InvalidParameter, "InvalidParameter", "an argument is not valid"},
    {Status::InvalidState, "InvalidState", "not possible in this state of the object"},
    {Status::NotSupported, "NotSupported", "not supported by this MsQuic or platform"},
    {Status::NotFound, "NotFound", "not found"},
    {Status::BufferTooSmall, "BufferTooSmall", "the buffer is too small"},
    {Status::FileNotFound, "FileNotFound", "a file was not found"},
    {Status::HandshakeFailure, "HandshakeFailure", "the QUIC handshake failed"},
    {Status::Aborted, "Aborted", "the connection or stream was aborted"},
    {Status::AddressInUse, "AddressInUse", "the UDP port is in use; choose another port or stop its user"},
    {Status::InvalidAddress, "InvalidAddress", "the address is not valid or its family is disabled"},
    {Status::AddressNotAvailable, "AddressNotAvailable", "the local address is not available on this machine"},
    {Status::ConnectionTimeout, "ConnectionTimeout", "the peer does not answer"},
    {Status::ConnectionIdle, "ConnectionIdle", "the connection was idle for longer than the idle timeout"},
    {Status::ConnectionRefused, "ConnectionRefused", "the server refused the connection"},
    {Status::InternalError, "InternalError", "internal error in MsQuic or the peer"},
    {Status::ProtocolError, "ProtocolError", "a QUIC protocol error"},
    {Status::VersionNegotiationError, "VersionNegotiationError", "no QUIC version in common"},
    {Status::Unreachable, "Unreachable", "nothing listens at that address, or it cannot be reached"},
    {Status::TlsError, "TlsError", "TLS failed; check certificates and keys"},
    {Status::UserCanceled, "UserCanceled", "the peer gave up during the handshake"},
    {Status::AlpnNegotiationFailure, "AlpnNegotiationFailure", "no ALPN in common with the peer"},
    {Status::AlpnInUse, "AlpnInUse", "a listener of this process has this ALPN on the port already"},
    {Status::StreamLimitReached, "StreamLimitReached", "the peer admits no more streams now"},
    {Status::CloseNotify, "CloseNotify", "TLS close notify"},
    {Status::BadCertificate, "BadCertificate", "the peer's certificate was not accepted (TLS alert 42)"},
    {Status::UnsupportedCertificate, "UnsupportedCertificate", "unsupported certificate (TLS alert 43)"},
    {Status::RevokedCertificate, "RevokedCertificate", "the certificate was revoked"},
    {Status::ExpiredCertificate, "ExpiredCertificate", "the certificate is expired or not valid yet"},
    {Status::UnknownCertificate, "UnknownCertificate", "the certificate was not accepted (TLS alert 46)"},
    {Status::RequiredCertificate, "RequiredCertificate", "the server requires a client certificate"},
    {Status::UntrustedRoot, "UntrustedRoot", "the certificate's issuer is not trusted; name it with ca_file"},
    {Status::NoCertificate, "NoCertificate", "the peer sent no certificate"},
    {Status::UnknownCa, "UnknownCa", "the certificate's issuer is not trusted; name it with ca_file (TLS alert 48)"},
    {Status::AccessDenied, "AccessDenied", "the peer does not admit the owner of this certificate (TLS alert 49)"},
    {Status::TlsAlert, "TlsAlert", "a TLS alert ended the handshake"},
    {Status::Unknown, "Unknown", "an error without a name"},
    {Status::ForkedProcess, "ForkedProcess",
     "MsQuic was in use when this process was forked, and its threads did not come along: fork before anything is "
     "opened or after everything is closed, or start the process with spawn or forkserver"},
    {Status::Finalizing, "Finalizing", "the process is about to exit"},
    {Status::LibraryInUse, "LibraryInUse", "MsQuic objects are still open"},
    {Status::ClosedHandle, "ClosedHandle", "the object is closed"},
    {Status::ConnectionClosing, "ConnectionClosing", "the connection is being shut down"},
    {Status::StreamAborted, "StreamAborted", "the peer wants no more of this stream, or its connection has ended"},
    {Status::DatagramTooLarge, "DatagramTooLarge", "the datagram is larger than the connection can carry now"},
    {Status::DatagramUnavailable, "DatagramUnavailable",
     "the peer did not enable datagrams, or the connection is not open"},
    {Status::CertificateNameMismatch, "CertificateNameMismatch",
     "the server's certificate is not for the name that was dialled"},
    {Status::CertificateFileInvalid, "CertificateFileInvalid", "a certificate or key file cannot be used"},
    {Status::CertificatePasswordWrong, "CertificatePasswordWrong",
     "the password of the private key is missing or wrong"},
    {Status::CertificateFileExpired, "CertificateFileExpired", "the certificate is outside its validity period"},
    {Status::CertificateRefused, "CertificateRefused", "the certificate verifier refused the certificate"},
    {Status::TicketMismatch, "TicketMismatch", "the resumption ticket belongs to another server name or trust setting"},
    {Status::NameResolutionFailed, "NameResolutionFailed", "the host name could not be resolved"},
    {Status::HandshakeTimeout, "HandshakeTimeout", "the handshake took longer than the listener allows"},
    {Status::WouldDeadlock, "WouldDeadlock", "a blocking call inside a handler of another connection"},
};

const Description& describe(Status status) noexcept {
  for (const Description& description : kDescriptions) {
    if (description.status == status) return description;
  }
  static constexpr Description unknown{Status::Unknown, "Unknown", "an error without a name"};
  return unknown;
}

/// The alert number of a QUIC_STATUS_TLS_ALERT value, or -1.
std::int64_t alert_of(std::int64_t raw) noexcept {
  const std::int64_t first = static_cast<std::int64_t>(QUIC_STATUS_CLOSE_NOTIFY);
  return raw >= first && raw < first + 256 ? raw - first : -1;
}

}  // namespace

std::string_view status_name(Status status) noexcept { return describe(status).name; }
std::string_view status_text(Status status) noexcept { return describe(status).text; }

Status status_from_raw(std::int64_t raw) noexcept {
  struct Entry {
    std::int64_t raw;
    Status status;
  };
  // A table, not a switch: on some platforms two names share a number.
  static const Entry kEntries[] = {
      {QUIC_STATUS_SUCCESS, Status::Success},
      {QUIC_STATUS_PENDING, Status::Pending},
      {QUIC_STATUS_OUT_OF_MEMORY, Status::OutOfMemory},
      {QUIC_STATUS_INVALID_PARAMETER, Status::InvalidParameter},
      {QUIC_STATUS_INVALID_STATE, Status::InvalidState},
      {QUIC_STATUS_NOT_SUPPORTED, Status::NotSupported},
      {QUIC_STATUS_NOT_FOUND, Status::NotFound},
      {QUIC_STATUS_BUFFER_TOO_SMALL, Status::BufferTooSmall},
      {QUIC_STATUS_HANDSHAKE_FAILURE, Status::HandshakeFailure},
      {QUIC_STATUS_ABORTED, Status::Aborted},
      {QUIC_STATUS_ADDRESS_IN_USE, Status::AddressInUse},
      {QUIC_STATUS_INVALID_ADDRESS, Status::InvalidAddress},
      {QUIC_STATUS_ADDRESS_NOT_AVAILABLE, Status::AddressNotAvailable},
      {QUIC_STATUS_CONNECTION_TIMEOUT, Status::ConnectionTimeout},
      {QUIC_STATUS_CONNECTION_IDLE, Status::ConnectionIdle},
      {QUIC_STATUS_CONNECTION_REFUSED, Status::ConnectionRefused},
      {QUIC_STATUS_INTERNAL_ERROR, Status::InternalError},
      {QUIC_STATUS_PROTOCOL_ERROR, Status::ProtocolError},
      {QUIC_STATUS_VER_NEG_ERROR, Status::VersionNegotiationError},
      {QUIC_STATUS_UNREACHABLE, Status::Unreachable},
      {QUIC_STATUS_TLS_ERROR, Status::TlsError},
      {QUIC_STATUS_USER_CANCELED, Status::UserCanceled},
      {QUIC_STATUS_ALPN_NEG_FAILURE, Status::AlpnNegotiationFailure},
      {QUIC_STATUS_ALPN_IN_USE, Status::AlpnInUse},
      {QUIC_STATUS_STREAM_LIMIT_REACHED, Status::StreamLimitReached},
      {QUIC_STATUS_CLOSE_NOTIFY, Status::CloseNotify},
      {QUIC_STATUS_BAD_CERTIFICATE, Status::BadCertificate},
      {QUIC_STATUS_UNSUPPORTED_CERTIFICATE, Status::UnsupportedCertificate},
      {QUIC_STATUS_REVOKED_CERTIFICATE, Status::RevokedCertificate},
      {QUIC_STATUS_EXPIRED_CERTIFICATE, Status::ExpiredCertificate},
      {QUIC_STATUS_UNKNOWN_CERTIFICATE, Status::UnknownCertificate},
      {QUIC_STATUS_REQUIRED_CERTIFICATE, Status::RequiredCertificate},
      {QUIC_STATUS_CERT_EXPIRED, Status::ExpiredCertificate},
      {QUIC_STATUS_CERT_UNTRUSTED_ROOT, Status::UntrustedRoot},
      {QUIC_STATUS_CERT_NO_CERT, Status::NoCertificate},
  };
  // MsQuic's type is unsigned on some platforms and signed on others; negative values must look the same from both.
  const auto same_width = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  for (const Entry& entry : kEntries) {
    if (same_width(entry.raw) == same_width(raw)) return entry.status;
  }
#if !defined(_WIN32)
  // The system has no route, or one that forbids it; MsQuic hands its error on as it is.
  if (raw == ENETUNREACH || raw == EACCES) return Status::Unreachable;
#endif
  const std::int64_t alert = alert_of(raw);
  if (alert == 48) return Status::UnknownCa;
  if (alert == 49) return Status::AccessDenied;
  if (alert == 40) return Status::HandshakeFailure;
  if (alert == 90) return Status::UserCanceled;
  if (alert == 120) return Status::AlpnNegotiationFailure;
  return alert >= 0 ? Status::TlsAlert : Status::Unknown;
}

Error Error::from_raw(std::int64_t raw, std::string_view doing) {
  const Status status = status_from_raw(raw);
  std::string message(doing);
  if (!message.empty()) message += ": ";
  const std::string_view system = system_error_name(raw);
  message += system.empty() ? std::string(status_text(status)) : system_error_text(raw);
  message += " [";
  message += system.empty() ? status_name(status) : system;
  if (status == Status::TlsAlert) {
    const auto alert = static_cast<std::uint64_t>(alert_of(raw));
    const std::string_view name = tls_alert_name(alert);
    message += " " + (name.empty() ? std::to_string(alert) : std::string(name));
  }
  message += ", status " + std::to_string(raw) + "]";
  return {status, raw, std::move(message)};
}

}  // namespace msquic_py::quic
