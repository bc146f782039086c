#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "quic/registration.h"

namespace msquic_py::python {

/// The Python class Registration. All members need the GIL.
class RegistrationObject {
 public:
  RegistrationObject(std::string app_name, quic::ExecutionProfile profile);
  RegistrationObject(const RegistrationObject&) = delete;
  RegistrationObject& operator=(const RegistrationObject&) = delete;

  /// Raises ClosedHandle after close().
  [[nodiscard]] const quic::Registration& open_handle() const;
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
  std::string app_name_;
  quic::Registration registration_;
  nanobind::object children_;  // weakref.WeakSet
};

}  // namespace msquic_py::python
