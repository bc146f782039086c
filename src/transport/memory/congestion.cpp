#include "transport/memory/congestion.h"

#include <algorithm>

namespace msquic_py::transport::memory {

void Congestion::acknowledged(std::size_t bytes) noexcept {
  const bool used = in_flight_ + kPacket >= window_ / 2;
  in_flight_ -= std::min(bytes, in_flight_);
  if (!used) return;
  if (window_ < threshold_) {
    window_ += bytes;
    return;
  }
  grown_ += bytes * kPacket;
  window_ += grown_ / window_;
  grown_ %= window_;
}

void Congestion::lost(std::size_t bytes, Time sent, Time now) noexcept {
  in_flight_ -= std::min(bytes, in_flight_);
  if (sent <= recovery_start_) return;
  recovery_start_ = now;
  window_ = threshold_ = std::max(window_ / 2, kLeast);
}

}  // namespace msquic_py::transport::memory
