#pragma once

#include <atomic>
#include <cstdint>

namespace msquic_py::bench {

/// What the publisher's and the subscribers' threads and the main thread tell one another.
struct Progress {
  std::atomic<bool> announced{false};        ///< the relay knows the publisher's namespace
  std::atomic<std::uint64_t> subscribed{0};  ///< subscribers that have SUBSCRIBE_OK
  std::atomic<std::uint64_t> sent{0};        ///< objects
  std::atomic<std::uint64_t> delivered{0};   ///< objects × subscribers
  std::atomic<bool> failed{false};           ///< a connection ended too early
};

}  // namespace msquic_py::bench
