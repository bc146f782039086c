#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace msquic_py::quic {

/// What went wrong, by name and independent of the platform's numbers. The first group mirrors MsQuic's
/// QUIC_STATUS values, the second is this layer's own.
enum class Status : std::uint16_t {
  Success,
  Pending,
  OutOfMemory,
  InvalidParameter,
  InvalidState,
  NotSupported,
  NotFound,
  BufferTooSmall,
  FileNotFound,
  HandshakeFailure,
  Aborted,
  AddressInUse,
  InvalidAddress,
  AddressNotAvailable,
  ConnectionTimeout,
  ConnectionIdle,
  ConnectionRefused,
  InternalError,
  ProtocolError,
  VersionNegotiationError,
  Unreachable,
  TlsError,
  UserCanceled,
  AlpnNegotiationFailure,
  AlpnInUse,
  StreamLimitReached,
  CloseNotify,
  BadCertificate,
  UnsupportedCertificate,
  RevokedCertificate,
  ExpiredCertificate,
  UnknownCertificate,
  RequiredCertificate,
  UntrustedRoot,
  NoCertificate,
  UnknownCa,     ///< TLS alert 48
  AccessDenied,  ///< TLS alert 49
  TlsAlert,      ///< any other TLS alert; its number is in the message
  Unknown,       ///< a number this layer has no name for

  ForkedProcess,             ///< the process was forked after MsQuic started: it cannot be used in the child
  Finalizing,                ///< the process is about to exit
  LibraryInUse,              ///< close() while objects are alive
  ClosedHandle,              ///< the object was closed or never became usable
  ConnectionClosing,         ///< the connection is being shut down; no new streams
  StreamAborted,             ///< the peer stopped the stream, or its connection ended
  DatagramTooLarge,          ///< larger than the path and the peer allow now; the limit is in the message
  DatagramUnavailable,       ///< the peer did not enable datagrams, or the connection is closed
  CertificateNameMismatch,   ///< the server's certificate is not for the name or address that was dialled
  CertificateFileInvalid,    ///< a certificate or key of this side is missing, unreadable or does not fit
  CertificatePasswordWrong,  ///< the password of a private key or container is missing or wrong
  CertificateFileExpired,    ///< a certificate of this side is outside its validity period
  CertificateRefused,        ///< the program's own verification refused the certificate, or took too long
  TicketMismatch,            ///< a resumption ticket of another server name or trust setting
  NameResolutionFailed,      ///< the host name could not be resolved
  HandshakeTimeout,          ///< the handshake took longer than the listener allows
  WouldDeadlock,             ///< a blocking call from inside another connection's callback
};

/// The name of `status`, e.g. "AlpnNegotiationFailure". Static storage.
std::string_view status_name(Status status) noexcept;
/// One sentence that says what the status means and what can be done about it. Static storage.
std::string_view status_text(Status status) noexcept;
/// The name for a raw QUIC_STATUS of this platform.
Status status_from_raw(std::int64_t raw) noexcept;

/// A failure of this layer. `raw` is MsQuic's number, 0 when the failure is this layer's own.
struct Error {
  Status status = Status::Unknown;
  std::int64_t raw = 0;
  std::string message;  ///< what happened and what to do, fit to show to a user

  static Error from_raw(std::int64_t raw, std::string_view doing);
  static Error own(Status status, std::string message) { return {status, 0, std::move(message)}; }
};

template <class T>
using Result = base::Result<T, Error>;

}  // namespace msquic_py::quic
