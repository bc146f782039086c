#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// The TLS alert (RFC 8446 section 6.2) that tells a peer why its certificate is refused.
constexpr std::uint8_t alert_for(Status status) noexcept {
  switch (status) {
    case Status::UnsupportedCertificate: return 43;
    case Status::RevokedCertificate: return 44;
    case Status::ExpiredCertificate: return 45;
    case Status::CertificateRefused: return 46;
    case Status::UnknownCa: return 48;
    case Status::NoCertificate: return 116;
    default: return 42;
  }
}

/// What this library thinks of a peer's certificate.
struct CertificateVerdict {
  Status status = Status::Success;  ///< Success, or why the certificate is not accepted
  std::string message;              ///< for people
  [[nodiscard]] bool good() const noexcept { return status == Status::Success; }
};

/// The certificate that a peer showed, for ConnectionHandler::on_peer_certificate(). Valid during the call only.
struct PeerCertificate {
  base::Bytes der;                             ///< the leaf
  const std::vector<base::ByteVector>& chain;  ///< what the peer sent, in DER, the leaf first
  const std::string& server_name;              ///< the name that was dialled; on a server the SNI
  /// By the configuration's trust settings: chain, validity, purpose and, on a client, the name; or the pins.
  const CertificateVerdict& verdict;
};

enum class CertificateDecision : std::uint8_t {
  Accept,
  Reject,
  /// The handshake waits for Connection::complete_certificate(), at most Credentials::verification_timeout.
  Pending,
};

}  // namespace msquic_py::quic
