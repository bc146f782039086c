#include "transport/memory/bandwidth_model.h"

#include <algorithm>

namespace msquic_py::transport::memory {

namespace {

constexpr double kStartupGain = 2.885;
constexpr double kWindowGain = 2;
constexpr std::array<double, 8> kProbeGains{1.25, 0.75, 1, 1, 1, 1, 1, 1};
constexpr double kLeastWindow = 4 * 1200;
constexpr Duration kFirstRoundTrip = std::chrono::milliseconds(100);
constexpr Duration kSpan = std::chrono::seconds(5);

double seconds(Duration duration) noexcept { return std::chrono::duration<double>(duration).count(); }

}  // namespace

double BandwidthModel::bandwidth() const noexcept { return *std::max_element(most_.begin(), most_.end()); }

Duration BandwidthModel::shortest() const noexcept {
  const Duration measured = std::min(round_trips_[0], round_trips_[1]);
  return measured == Duration::max() ? kFirstRoundTrip : measured;
}

double BandwidthModel::product() const noexcept { return bandwidth() * seconds(shortest()); }

std::size_t BandwidthModel::window() const noexcept {
  if (bandwidth() == 0) return first_window_;
  const double gain = phase_ == Phase::kStartup ? kStartupGain : kWindowGain;
  return static_cast<std::size_t>(std::max(gain * product(), kLeastWindow));
}

double BandwidthModel::pace() const noexcept {
  const double measured = bandwidth();
  const double base = measured > 0 ? measured : static_cast<double>(first_window_) / seconds(shortest());
  if (phase_ == Phase::kStartup) return kStartupGain * base;
  return (phase_ == Phase::kDrain ? 1 / kStartupGain : kProbeGains[step_]) * base;
}

BandwidthModel::Sent BandwidthModel::sent(std::size_t bytes, std::size_t in_flight, Time now) noexcept {
  if (in_flight == 0) delivered_at_ = now;
  const auto takes =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(static_cast<double>(bytes) / pace()));
  next_at_ = std::max(next_at_, now) + takes;
  return {delivered_, delivered_at_, delivered_ < limited_until_};
}

void BandwidthModel::acknowledged(std::size_t bytes, const Sent& packet, Time left, std::size_t in_flight,
                                  Time now) noexcept {
  delivered_ += bytes;
  delivered_at_ = now;
  if (now - span_began_ > kSpan) {
    round_trips_ = {Duration::max(), round_trips_[0]};
    span_began_ = now;
  }
  round_trips_[0] = std::min(round_trips_[0], now - left);
  if (packet.delivered >= round_ends_) begin_round(now);
  const double took = std::max(seconds(now - packet.delivered_at), seconds(shortest()));
  const double rate = static_cast<double>(delivered_ - packet.delivered) / took;
  if (!packet.limited || rate > bandwidth()) most_[round_ % kRounds] = std::max(most_[round_ % kRounds], rate);
  change_phase(in_flight, now);
}

void BandwidthModel::begin_round(Time now) noexcept {
  round_ends_ = delivered_;
  const double measured = bandwidth();
  if (phase_ == Phase::kStartup && delivered_ >= limited_until_) {
    if (measured >= full_ * 1.25) {
      full_ = measured;
      full_rounds_ = 0;
    } else if (++full_rounds_ >= 3) {
      phase_ = Phase::kDrain;
      step_began_ = now;
    }
  }
  // While there is not enough to send nothing new is measured, and nothing is forgotten.
  if (delivered_ >= limited_until_) most_[++round_ % kRounds] = 0;
}

void BandwidthModel::change_phase(std::size_t in_flight, Time now) noexcept {
  if (phase_ == Phase::kStartup) return;
  const auto waits = static_cast<double>(in_flight);
  if (phase_ == Phase::kDrain) {
    if (waits > product()) return;
    phase_ = Phase::kProbe;
    step_ = 2;
    step_began_ = now;
    return;
  }
  const bool over = now - step_began_ > shortest();
  if (!(step_ == 1 ? over || waits <= product() : over)) return;
  step_ = (step_ + 1) % kProbeGains.size();
  step_began_ = now;
}

}  // namespace msquic_py::transport::memory
