#pragma once

#include <chrono>
#include <optional>

#if defined(_WIN32)
#include <condition_variable>
#include <mutex>
#endif

namespace msquic_py::python {

/// Wakes the one consumer of a queue. This is all that is particular to a system about waking: an eventfd on Linux,
/// a pipe on other POSIX systems, a condition variable on Windows.
///
/// file_descriptor() becomes readable on signal(), so an event loop may wait for it instead of wait() (asyncio's
/// add_reader); it is -1 where there is none, and a loop must then be woken by call_soon_threadsafe.
class Wakeup {
 public:
  Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup();

  /// Any thread. Signals that nobody waited for add up to one.
  void signal() noexcept;
  /// Waits for a signal and takes it. False at the timeout; no timeout waits for ever.
  bool wait(std::optional<std::chrono::milliseconds> timeout = {}) noexcept;
  /// Takes a signal without waiting.
  void clear() noexcept;
  [[nodiscard]] int file_descriptor() const noexcept { return read_end_; }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
#if defined(_WIN32)
  std::mutex mutex_;
  std::condition_variable changed_;
  bool signalled_ = false;
#endif
};

}  // namespace msquic_py::python
