#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "quic/configuration.h"
#include "quic/credentials.h"
#include "quic/settings.h"

namespace msquic_py::python {

/// The Python class Configuration. All members need the GIL. The native configuration is made when the credentials
/// are known.
class ConfigurationObject {
 public:
  ConfigurationObject(nanobind::object registration, std::vector<std::string> alpns, quic::Settings settings);
  ConfigurationObject(const ConfigurationObject&) = delete;
  ConfigurationObject& operator=(const ConfigurationObject&) = delete;

  void load(const quic::Credentials& credentials);
  void close() noexcept;
  [[nodiscard]] std::string describe() const;
  /// The native configuration of a Python Configuration. Raises InvalidArgumentType, CredentialsNotLoaded or
  /// ClosedHandle.
  static const quic::Configuration& loaded(nanobind::handle configuration);

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(registration_.ptr());
    return 0;
  }
  void clear_references() noexcept {}

 private:
  nanobind::object registration_;
  std::vector<std::string> alpns_;
  quic::Settings settings_;
  quic::Configuration configuration_;
  bool closed_ = false;
};

}  // namespace msquic_py::python
