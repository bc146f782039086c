#pragma once

#include <map>
#include <string>
#include <string_view>

#include "quic/certificate.h"
#include "quic/configuration.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// Which configuration, and so which certificate, a server uses for the name that a client asks for (SNI).
class ServerConfigurations {
 public:
  ServerConfigurations() noexcept = default;
  /// `fallback` for clients that name nothing or a name without a configuration of its own.
  explicit ServerConfigurations(Configuration fallback) noexcept : fallback_(std::move(fallback)) {}

  /// `base` with other certificates, by name. A name is a DNS name or "*." and a domain, for any one label in front of
  /// it; the empty name is for all other clients, who get `base` itself without it. InvalidParameter names what is not
  /// a name.
  static Result<ServerConfigurations> from_certificates(const Configuration& base,
                                                        const std::map<std::string, Certificate>& certificates);

  /// Adds or replaces. InvalidParameter when `server_name` is not a name as above.
  Result<void> set(std::string_view server_name, Configuration configuration);

  /// The name itself before the wildcard before the fallback; case and a trailing dot do not matter.
  [[nodiscard]] const Configuration& find(std::string_view server_name) const;
  [[nodiscard]] bool empty() const noexcept { return !fallback_ && by_name_.empty(); }

 private:
  Configuration fallback_;
  std::map<std::string, Configuration, std::less<>> by_name_;  ///< in lower case
};

}  // namespace msquic_py::quic
