#pragma once

#include <functional>
#include <memory>

namespace msquic_py::runtime {

/// Calls back when the user or the system asks the process to end: SIGINT and SIGTERM, or a console event on Windows.
/// Make it before any other thread is started, because threads inherit which signals they leave to it.
class ShutdownSignal {
 public:
  /// `on_signal` runs on a thread of its own, once per signal.
  explicit ShutdownSignal(std::function<void()> on_signal);
  ShutdownSignal(const ShutdownSignal&) = delete;
  ShutdownSignal& operator=(const ShutdownSignal&) = delete;
  ~ShutdownSignal();

 private:
  struct Waiter;
  std::unique_ptr<Waiter> waiter_;
};

}  // namespace msquic_py::runtime
