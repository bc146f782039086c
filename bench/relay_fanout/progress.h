#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace msquic_py::bench {

/// What the publisher's and the subscribers' threads and the main thread tell one another.
class Progress {
 public:
  std::atomic<bool> announced{false};        ///< the relay knows the publisher's namespace
  std::atomic<std::uint64_t> subscribed{0};  ///< subscribers that have SUBSCRIBE_OK
  std::atomic<std::uint64_t> sent{0};        ///< objects
  std::atomic<std::uint64_t> delivered{0};   ///< objects × subscribers
  std::atomic<bool> failed{false};

  /// The first reason counts. Harmless once the run is over, when every connection ends.
  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (failed.exchange(true)) return;
    why_ = why;
  }
  [[nodiscard]] std::string why_failed() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  std::string why_;
};

}  // namespace msquic_py::bench
