#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "quic/certificate.h"

namespace msquic_py::quic {

/// Whether a server asks its clients for a certificate.
enum class ClientCertificates : std::uint8_t {
  None,
  Optional,  ///< a client may show one; one that is not trusted is refused
  Required,  ///< a client without one is refused (TLS alert 116)
};

/// Credentials and trust of a Configuration. A server needs a certificate; a client may have one to authenticate
/// itself. Trust settings say whom a client believes, or on a server which client certificates.
struct Credentials {
  enum class Role : unsigned char { Client, Server };

  Role role = Role::Client;
  Certificate certificate;       ///< or the two files below
  std::string certificate_file;  ///< PEM, the chain with the leaf first
  std::string private_key_file;  ///< PEM
  std::string private_key_password;

  /// Roots in PEM. With either of them, these are the trust anchors in place of the system's. An intermediate or the
  /// peer's own certificate may be an anchor, too.
  std::string ca_file;
  base::ByteVector ca_data;
  /// Clients: accept any certificate of any server. For tests only: it invites a man in the middle.
  bool no_certificate_validation = false;
  /// Accept only a certificate with one of these SHA-256 fingerprints (hex, colons optional). Without ca_file and
  /// ca_data pins take the place of the check of issuer, validity and name; with one of them both must hold.
  std::vector<std::string> pinned_sha256;
  /// The same for the SHA-256 of its public key (SubjectPublicKeyInfo): hex, or "sha256/" and Base64. A key survives
  /// the renewal of its certificate.
  std::vector<std::string> pinned_public_key_sha256;
  /// Ask ConnectionHandler::on_peer_certificate() about every certificate of a peer. Without it the library's own
  /// verdict decides.
  bool custom_verification = false;
  /// How long CertificateDecision::Pending may take; then the certificate is refused. Must be less than the settings'
  /// handshake_idle_timeout_ms. 0: four fifths of that.
  std::chrono::milliseconds verification_timeout{0};

  /// Servers. A server that asks for client certificates resumes no sessions.
  ClientCertificates client_certificates = ClientCertificates::None;
  /// The same as ClientCertificates::Required.
  bool require_client_certificate = false;
  /// Servers: at least 32 random bytes that protect resumption tickets. With the same bytes, tickets survive a restart
  /// and are good at every server that has them. Whoever has them can read the sessions' early data and take part in
  /// resumed sessions, so keep and rotate them like private keys. Empty: random ones that end with the configuration.
  base::ByteVector ticket_keys;

  /// Appends the secrets of every connection to this file in NSS key log format, for tools such as Wireshark. It is
  /// created readable by its owner only. Whoever reads it can read the connections.
  std::string keylog_file;

  static Credentials server(std::string certificate_file, std::string private_key_file) {
    Credentials credentials;
    credentials.role = Role::Server;
    credentials.certificate_file = std::move(certificate_file);
    credentials.private_key_file = std::move(private_key_file);
    return credentials;
  }
  static Credentials server(Certificate certificate) {
    Credentials credentials;
    credentials.role = Role::Server;
    credentials.certificate = std::move(certificate);
    return credentials;
  }
  /// System roots, host name checked.
  static Credentials client() { return {}; }
  static Credentials client_trusting(std::string ca_file_path) {
    Credentials credentials;
    credentials.ca_file = std::move(ca_file_path);
    return credentials;
  }
  static Credentials client_without_validation() {
    Credentials credentials;
    credentials.no_certificate_validation = true;
    return credentials;
  }
};

/// The file that the environment variable SSLKEYLOGFILE names; empty without it.
std::string keylog_file_from_environment();

}  // namespace msquic_py::quic
