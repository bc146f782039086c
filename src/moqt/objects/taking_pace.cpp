#include "moqt/objects/taking_pace.h"

#include <algorithm>
#include <chrono>

namespace msquic_py::moqt::objects {

namespace {

constexpr auto kShortest = std::chrono::milliseconds(100);  // that tells something
constexpr auto kStandstill = std::chrono::milliseconds(500);
constexpr double kSpan = 2;
constexpr double kEnough = 1;
/// Less of the track than that is far less.
constexpr double kFarLess = 1.0 / 8;
/// Measuring is not exact.
constexpr double kLess = 0.95;

}  // namespace

void TakingPace::sample(session::Time now, std::uint64_t came, std::uint64_t taken) noexcept {
  if (!last_ || now < last_->time) {
    last_ = Sample{now, came, taken};
    return;
  }
  const session::Duration took = now - last_->time;
  if (taken == last_->taken) {
    if (took < kStandstill) return;
    seconds_ = came_ = taken_ = 0;
    last_->time = now;
    last_->came = came;
    return;
  }
  if (took < kShortest) return;
  seconds_ += std::chrono::duration<double>(took).count();
  came_ += static_cast<double>(came - last_->came);
  taken_ += static_cast<double>(taken - last_->taken);
  last_ = Sample{now, came, taken};
  const double kept = std::min(1.0, kSpan / seconds_);
  seconds_ *= kept;
  came_ *= kept;
  taken_ *= kept;
}

bool TakingPace::known() const noexcept { return seconds_ >= kEnough && taken_ > 0; }

bool TakingPace::falls_behind() const noexcept {
  return known() && taken_ < kLess * came_ && taken_ > kFarLess * came_;
}

session::Duration TakingPace::time_for(std::uint64_t bytes) const noexcept {
  constexpr double kLong = 3600;
  const double seconds = static_cast<double>(bytes) * seconds_ / taken_;
  return std::chrono::duration_cast<session::Duration>(std::chrono::duration<double>(std::min(seconds, kLong)));
}

}  // namespace msquic_py::moqt::objects
