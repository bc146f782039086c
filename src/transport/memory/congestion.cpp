#include "transport/memory/congestion.h"

#include <algorithm>

namespace msquic_py::transport::memory {

Congestion::Congestion(const LinkOptions& options) noexcept
    : window_(std::max(options.first_congestion_window, kLeast)) {
  if (options.congestion_control == CongestionControl::kBandwidth) model_.emplace(window_);
}

void Congestion::sent(Packet& packet) noexcept {
  if (model_) packet.measured = model_->sent(packet.size, in_flight_, packet.sent);
  in_flight_ += packet.size;
}

void Congestion::acknowledged(const Packet& packet, Time now) noexcept {
  const bool used = in_flight_ + kPacket >= window_ / 2;
  in_flight_ -= std::min(packet.size, in_flight_);
  if (model_) return model_->acknowledged(packet.size, packet.measured, packet.sent, in_flight_, now);
  if (!used) return;
  if (window_ < threshold_) {
    window_ += packet.size;
    return;
  }
  grown_ += packet.size * kPacket;
  window_ += grown_ / window_;
  grown_ %= window_;
}

void Congestion::lost(const Packet& packet, Time now) noexcept {
  in_flight_ -= std::min(packet.size, in_flight_);
  if (model_ || packet.sent <= recovery_start_) return;
  recovery_start_ = now;
  window_ = threshold_ = std::max(window_ / 2, kLeast);
}

}  // namespace msquic_py::transport::memory
