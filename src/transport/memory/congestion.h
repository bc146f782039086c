#pragma once

#include <cstddef>
#include <optional>

#include "transport/memory/bandwidth_model.h"
#include "transport/memory/link_options.h"
#include "transport/memory/packet.h"
#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

/// How many bytes may be on the way. With CongestionControl::kLoss: slow start, then one packet more each round trip,
/// half of it after a loss (RFC 9002 section 7, NewReno). With kBandwidth, see BandwidthModel.
class Congestion {
 public:
  static constexpr std::size_t kPacket = 1200;
  static constexpr std::size_t kLeast = 2 * kPacket;

  explicit Congestion(const LinkOptions& options) noexcept;

  [[nodiscard]] std::size_t window() const noexcept { return model_ ? model_->window() : window_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] bool has_room() const noexcept { return in_flight_ < window(); }
  /// When the next packet may leave.
  [[nodiscard]] Time next_at() const noexcept { return model_ ? model_->next_at() : Time{}; }

  void sent(Packet& packet) noexcept;
  void acknowledged(const Packet& packet, Time now) noexcept;
  /// Packets of the same flight count as one loss.
  void lost(const Packet& packet, Time now) noexcept;
  /// Nothing is left to send although there is room.
  void ran_out() noexcept {
    if (model_) model_->ran_out(in_flight_);
  }

 private:
  std::optional<BandwidthModel> model_;
  std::size_t window_;
  std::size_t in_flight_ = 0;
  std::size_t threshold_ = static_cast<std::size_t>(-1);
  std::size_t grown_ = 0;
  Time recovery_start_{};
};

}  // namespace msquic_py::transport::memory
