#pragma once

#include <cstddef>

#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

/// How many bytes may be on the way: slow start, then one packet more each round trip, half of it after a loss
/// (RFC 9002 section 7, NewReno).
class Congestion {
 public:
  static constexpr std::size_t kPacket = 1200;
  static constexpr std::size_t kLeast = 2 * kPacket;

  explicit Congestion(std::size_t first_window) noexcept : window_(first_window < kLeast ? kLeast : first_window) {}

  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] bool has_room() const noexcept { return in_flight_ < window_; }

  void sent(std::size_t bytes) noexcept { in_flight_ += bytes; }
  void acknowledged(std::size_t bytes) noexcept;
  /// A packet that left at `sent` was lost: packets of the same flight count as one loss.
  void lost(std::size_t bytes, Time sent, Time now) noexcept;

 private:
  std::size_t window_;
  std::size_t in_flight_ = 0;
  std::size_t threshold_ = static_cast<std::size_t>(-1);
  std::size_t grown_ = 0;
  Time recovery_start_{};
};

}  // namespace msquic_py::transport::memory
