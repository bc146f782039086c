#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "quic/credentials.h"

namespace msquic_py::apps {

/// A server's certificate: the files the user named, or a development certificate made for this run and removed with
/// this object.
class ServerIdentity {
 public:
  /// Both paths empty: a development certificate for localhost, 127.0.0.1, ::1 and `host`. One of them empty is an
  /// error.
  static base::Result<ServerIdentity, std::string> load(const std::string& cert, const std::string& key,
                                                        const std::string& host);

  ServerIdentity(ServerIdentity&&) noexcept = default;
  ServerIdentity& operator=(ServerIdentity&&) noexcept = default;
  ~ServerIdentity();

  [[nodiscard]] const quic::Credentials& credentials() const noexcept { return credentials_; }
  /// From the private key: a server that comes back with the same key makes the same stateless reset tokens. Nothing
  /// with a development certificate, which does not come back.
  [[nodiscard]] std::optional<std::array<std::uint8_t, 32>> stateless_reset_key() const;
  /// Of the development certificate; nothing when the user's own is used.
  [[nodiscard]] const std::optional<std::string>& development_fingerprint() const noexcept { return fingerprint_; }

 private:
  struct TemporaryFolder {
    std::filesystem::path path;
    TemporaryFolder() = default;
    TemporaryFolder(TemporaryFolder&& other) noexcept : path(std::exchange(other.path, {})) {}
    TemporaryFolder& operator=(TemporaryFolder&& other) noexcept {
      std::swap(path, other.path);
      return *this;
    }
    ~TemporaryFolder();
  };
  ServerIdentity() = default;

  TemporaryFolder folder_;
  quic::Credentials credentials_;
  std::optional<std::string> fingerprint_;
};

}  // namespace msquic_py::apps
