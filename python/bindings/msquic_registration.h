#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "quic/registration.h"

namespace msquic_py::python {

/// The Python class Registration. All members need the GIL or, where there is none, the object locked; the static ones
/// lock it.
class RegistrationObject {
 public:
  RegistrationObject(std::string app_name, quic::ExecutionProfile profile);
  RegistrationObject(const RegistrationObject&) = delete;
  RegistrationObject& operator=(const RegistrationObject&) = delete;

  /// Raises ClosedHandle after close().
  [[nodiscard]] static quic::Registration open_handle(nanobind::handle registration);
  /// An object with close() that is closed together with this one; not kept alive.
  void add_child(nanobind::handle child);
  void shutdown(unsigned flags, std::uint64_t code);
  void close(std::chrono::milliseconds timeout);
  [[nodiscard]] std::string describe() const;

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(children_.ptr());
    return 0;
  }
  void clear_references() noexcept {}

 private:
  [[nodiscard]] const quic::Registration& open_handle() const;

  std::string app_name_;
  quic::Registration registration_;
  nanobind::object children_;  // weakref.WeakValueDictionary by identity: unlike a WeakSet's, its list is made at once
};

}  // namespace msquic_py::python
