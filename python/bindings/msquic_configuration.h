#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "msquic_handler_slot.h"
#include "quic/configuration.h"
#include "quic/credentials.h"
#include "quic/server_configurations.h"
#include "quic/settings.h"

namespace msquic_py::python {

/// The Python class Configuration. All members need the GIL. The native configuration is made when the credentials
/// are known.
class ConfigurationObject {
 public:
  ConfigurationObject(nanobind::object registration, std::vector<std::string> alpns, quic::Settings settings,
                      std::string keylog_file);
  ConfigurationObject(const ConfigurationObject&) = delete;
  ConfigurationObject& operator=(const ConfigurationObject&) = delete;

  /// `by_name`: a server's further certificates, see quic::ServerConfigurations.
  void load(quic::Credentials credentials, std::map<std::string, quic::Certificate> by_name = {});
  /// A callable or None. For connections and listeners that start later.
  void set_verifier(nanobind::handle verifier, std::chrono::milliseconds timeout);
  void close() noexcept;
  [[nodiscard]] std::string describe() const;
  /// The Python Configuration with credentials. Raises InvalidArgumentType, CredentialsNotLoaded or ClosedHandle.
  static ConfigurationObject& loaded_object(nanobind::handle configuration);
  /// Its native configuration.
  static const quic::Configuration& loaded(nanobind::handle configuration) {
    return loaded_object(configuration).configuration_;
  }
  [[nodiscard]] const quic::Configuration& native() const noexcept { return configuration_; }
  [[nodiscard]] const quic::ServerConfigurations& by_name() const noexcept { return configurations_; }
  [[nodiscard]] const HandlerSlot& verifier() const noexcept { return verifier_; }
  [[nodiscard]] std::chrono::milliseconds verifier_timeout() const noexcept { return verifier_timeout_; }

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(registration_.ptr());
    return verifier_.traverse(visit, arg);
  }
  void clear_references() noexcept { verifier_.clear(); }

 private:
  nanobind::object registration_;
  std::vector<std::string> alpns_;
  quic::Settings settings_;
  std::string keylog_file_;
  std::optional<quic::Credentials> credentials_;
  std::map<std::string, quic::Certificate> certificates_;
  quic::Configuration configuration_;
  quic::ServerConfigurations configurations_;
  HandlerSlot verifier_;
  std::chrono::milliseconds verifier_timeout_{0};
  bool closed_ = false;
};

/// The methods that load credentials.
void bind_configuration_credentials(nanobind::class_<ConfigurationObject>& configuration);

}  // namespace msquic_py::python
