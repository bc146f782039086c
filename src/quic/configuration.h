#pragma once

#include <span>
#include <string>

#include "quic/credentials.h"
#include "quic/reference.h"
#include "quic/registration.h"
#include "quic/settings.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// ALPNs, settings and credentials for connections. Copies share it; connections keep it while they need it.
class Configuration {
 public:
  /// An empty handle: every use fails with ClosedHandle.
  Configuration() noexcept = default;
  /// `alpns`: 1 to 255 bytes each, at least one, the preferred first. Reads the credential files now (blocking I/O)
  /// and fails with CertificateFileInvalid or one of its kinds, saying which file and why, when they cannot be used.
  static Result<Configuration> open(const Registration& registration, std::span<const std::string> alpns,
                                    const Settings& settings, const Credentials& credentials);
  /// The same in everything but the certificate of this side. Tickets of one are good for the other.
  [[nodiscard]] Result<Configuration> with_certificate(const Certificate& certificate) const;
  /// Empty when it has none.
  [[nodiscard]] Certificate certificate() const;

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] ConfigurationState* state() const noexcept { return state_.get(); }

 private:
  UserReference<ConfigurationState> state_;
};

}  // namespace msquic_py::quic
