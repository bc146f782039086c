#include "command_line/server_identity.h"

#include <filesystem>
#include <random>
#include <system_error>

#include "quic/address.h"
#include "quic/development_certificate.h"

namespace msquic_py::apps {

namespace {

/// Removed with all that is in it: the key of a relay that is killed later lies nowhere.
struct TemporaryFolder {
  TemporaryFolder() {
    std::random_device random;
    path =
        std::filesystem::temp_directory_path() / ("msquic-py-" + std::to_string(random()) + std::to_string(random()));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

}  // namespace

base::Result<ServerIdentity, std::string> ServerIdentity::load(const std::string& cert, const std::string& key,
                                                               const std::string& host) {
  ServerIdentity identity;
  if (cert.empty() != key.empty()) return base::Failure{std::string("give both --cert and --key, or neither")};
  if (!cert.empty()) {
    auto certificate = quic::Certificate::from_files(cert, key);
    if (!certificate) return base::Failure{certificate.error().message};
    identity.credentials_ = quic::Credentials::server(*certificate);
    return identity;
  }
  const TemporaryFolder folder;
  quic::DevelopmentCertificateOptions options;
  const auto address = quic::Address::parse(host, 0);
  if (address && !address->is_any() && host != "127.0.0.1" && host != "::1") options.extra_names.push_back(host);
  auto made = quic::DevelopmentCertificate::create(folder.path, options);
  if (!made) return base::Failure{made.error().message};
  auto certificate = quic::Certificate::from_files(made->certificate_file.string(), made->private_key_file.string());
  if (!certificate) return base::Failure{certificate.error().message};
  identity.credentials_ = quic::Credentials::server(*certificate);
  identity.fingerprint_ = made->sha256_fingerprint;
  return identity;
}

std::optional<std::array<std::uint8_t, 32>> ServerIdentity::stateless_reset_key() const {
  if (fingerprint_) return std::nullopt;
  return credentials_.certificate.derived_secret("msquic-py stateless reset key");
}

}  // namespace msquic_py::apps
