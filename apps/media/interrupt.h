#pragma once

#include <atomic>

namespace msquic_py::apps {

/// Ends reads that wait: raised once, by any thread, and never taken back.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  void raise() noexcept;
  [[nodiscard]] bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }
  /// Waits until `descriptor` has something to read or to report, at most `milliseconds` (-1: no limit; a negative
  /// descriptor: only for the time). False when the interrupt was raised.
  bool wait(int descriptor, int milliseconds) const noexcept;

 private:
  std::atomic<bool> raised_{false};
  int ends_[2] = {-1, -1};  ///< of a pipe that becomes readable when it is raised
};

}  // namespace msquic_py::apps
