#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "locked_class.h"
#include "msquic_handler_slot.h"
#include "quic/configuration.h"
#include "quic/credentials.h"
#include "quic/server_configurations.h"
#include "quic/settings.h"

namespace msquic_py::python {

/// The Python class Configuration. All members need the GIL or, where there is none, the object locked; the static ones
/// lock it. The native configuration is made when the credentials are known.
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
  /// The native configuration of a Python Configuration with credentials. Raises InvalidArgumentType,
  /// CredentialsNotLoaded or ClosedHandle.
  static quic::Configuration loaded(nanobind::handle configuration);
  /// All of them, of a server with several certificates. Raises the same.
  static quic::ServerConfigurations loaded_by_name(nanobind::handle configuration);
  static std::vector<std::string> alpns_of(nanobind::handle configuration);
  static bool has_verifier(nanobind::handle configuration);
  /// A new reference to the verifier of a Python Configuration, and its timeout; null without.
  static PyObject* verifier_of(nanobind::handle configuration, std::chrono::milliseconds& timeout) noexcept;

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(registration_.ptr());
    return verifier_.traverse(visit, arg);
  }
  void clear_references() noexcept { verifier_.clear(); }

 private:
  static ConfigurationObject& object_of(nanobind::handle configuration);
  void check_loaded() const;

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
void bind_configuration_credentials(LockedClass<ConfigurationObject>& configuration);

}  // namespace msquic_py::python
