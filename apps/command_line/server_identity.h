#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "quic/credentials.h"

namespace msquic_py::apps {

/// A server's certificate: from the files the user named, or a development certificate made for this run, of which no
/// file stays.
class ServerIdentity {
 public:
  /// Both paths empty: a development certificate for localhost, 127.0.0.1, ::1 and `host`. One of them empty is an
  /// error.
  static base::Result<ServerIdentity, std::string> load(const std::string& cert, const std::string& key,
                                                        const std::string& host);

  [[nodiscard]] const quic::Credentials& credentials() const noexcept { return credentials_; }
  /// From the private key: a server that comes back with the same key makes the same stateless reset tokens. Nothing
  /// with a development certificate, which does not come back.
  [[nodiscard]] std::optional<std::array<std::uint8_t, 32>> stateless_reset_key() const;
  /// Of the development certificate; nothing when the user's own is used.
  [[nodiscard]] const std::optional<std::string>& development_fingerprint() const noexcept { return fingerprint_; }

 private:
  ServerIdentity() = default;

  quic::Credentials credentials_;
  std::optional<std::string> fingerprint_;
};

}  // namespace msquic_py::apps
