#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "quic/status.h"

namespace msquic_py::quic {

struct DevelopmentCertificateOptions {
  std::vector<std::string> extra_names;  ///< DNS names or IP literals besides localhost, 127.0.0.1 and ::1
  bool default_names = true;             ///< localhost, 127.0.0.1 and ::1
  std::uint32_t valid_days = 13;         ///< browsers accept a pinned certificate for at most 14 days
};

/// A self-signed ECDSA P-256 certificate for development.
struct DevelopmentCertificate {
  std::filesystem::path certificate_file;  ///< PEM; give it to clients as ca_file
  std::filesystem::path private_key_file;  ///< PEM, readable by the owner only
  std::string sha256_fingerprint;          ///< of the DER certificate: upper-case hex with colons

  /// Makes a new one and writes cert.pem and key.pem into `directory`, which is created if missing. Existing files of
  /// these names are replaced.
  static Result<DevelopmentCertificate> create(const std::filesystem::path& directory,
                                               const DevelopmentCertificateOptions& options = {});
};

}  // namespace msquic_py::quic
