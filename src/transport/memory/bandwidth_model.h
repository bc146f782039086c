#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

/// How much a path carries and how long its round trip is, measured, and what of it to use: BBR's first version in
/// small (draft-cardwell-iccrg-bbr-congestion-control-00), without its ProbeRTT, as the path of a link keeps its
/// length. A lost packet is no sign of anything.
class BandwidthModel {
 public:
  /// What a packet remembers of the moment when it left.
  struct Sent {
    std::uint64_t delivered = 0;
    Time delivered_at{};
    bool limited = false;  ///< there was not enough to send
  };

  explicit BandwidthModel(std::size_t first_window) noexcept : first_window_(first_window) {}

  [[nodiscard]] std::size_t window() const noexcept;
  /// When the next packet may leave.
  [[nodiscard]] Time next_at() const noexcept { return next_at_; }

  Sent sent(std::size_t bytes, std::size_t in_flight, Time now) noexcept;
  void acknowledged(std::size_t bytes, const Sent& packet, Time left, std::size_t in_flight, Time now) noexcept;
  /// Nothing is left to send although there is room.
  void ran_out(std::size_t in_flight) noexcept { limited_until_ = delivered_ + in_flight + 1; }

 private:
  enum class Phase : std::uint8_t { kStartup, kDrain, kProbe };
  static constexpr std::size_t kRounds = 10;  // for which the most that was measured counts

  [[nodiscard]] double bandwidth() const noexcept;  // bytes per second; 0: not measured
  [[nodiscard]] Duration shortest() const noexcept;
  [[nodiscard]] double product() const noexcept;  // of the two: what is on the way when nothing waits
  [[nodiscard]] double pace() const noexcept;
  void begin_round(Time now) noexcept;
  void change_phase(std::size_t in_flight, Time now) noexcept;

  std::size_t first_window_;
  std::uint64_t delivered_ = 0;
  Time delivered_at_{};
  std::uint64_t limited_until_ = 0;
  std::uint64_t round_ends_ = 0;
  std::size_t round_ = 0;
  std::array<double, kRounds> most_{};
  double full_ = 0;  // the bandwidth that was not much exceeded for so many rounds
  int full_rounds_ = 0;
  std::array<Duration, 2> round_trips_{Duration::max(), Duration::max()};  // the shortest of two spans of time
  Time span_began_{};
  Phase phase_ = Phase::kStartup;
  std::size_t step_ = 0;  // of kProbe
  Time step_began_{};
  Time next_at_{};
};

}  // namespace msquic_py::transport::memory
