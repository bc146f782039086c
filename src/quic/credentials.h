#pragma once

#include <string>
#include <vector>

namespace msquic_py::quic {

/// Credentials and trust of a Configuration. A server needs certificate_file and private_key_file; a client may give
/// them to authenticate itself.
struct Credentials {
  enum class Role : unsigned char { Client, Server };

  Role role = Role::Client;
  std::string certificate_file;  ///< PEM, the chain with the leaf first
  std::string private_key_file;  ///< PEM
  std::string private_key_password;
  /// Roots in PEM, trusted in addition to the system's.
  std::string ca_file;
  /// Clients: accept any certificate of any server. For tests only: it invites a man in the middle.
  bool no_certificate_validation = false;
  /// Clients: accept exactly the certificates with these SHA-256 fingerprints (hex, colons optional), whoever signed
  /// them and whatever their names; nothing else is accepted then.
  std::vector<std::string> pinned_sha256;
  /// Servers: refuse clients without a certificate that ca_file (or the system) trusts.
  bool require_client_certificate = false;

  static Credentials server(std::string certificate_file, std::string private_key_file) {
    Credentials credentials;
    credentials.role = Role::Server;
    credentials.certificate_file = std::move(certificate_file);
    credentials.private_key_file = std::move(private_key_file);
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

}  // namespace msquic_py::quic
