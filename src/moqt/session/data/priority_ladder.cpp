#include "moqt/session/data/priority_ladder.h"

#include <algorithm>
#include <cassert>

namespace msquic_py::moqt::session {

namespace {

constexpr std::int32_t kSpacing = PriorityLadder::kSteps;
constexpr std::int32_t kHighest = kRequestStreamPriority - 1;  // [d15 §7.2-2, §10.4.2-1]
constexpr std::int32_t kLowest = kSpacing - 1;                 // its last step is 0

}  // namespace

std::size_t PriorityLadder::place_of(std::uint16_t urgency) const noexcept {
  const auto found = std::lower_bound(rungs_.begin(), rungs_.end(), urgency,
                                      [](const Rung& rung, std::uint16_t sought) { return rung.urgency < sought; });
  return static_cast<std::size_t>(found - rungs_.begin());
}

bool PriorityLadder::join(std::uint16_t urgency) {
  const std::size_t place = place_of(urgency);
  if (place < rungs_.size() && rungs_[place].urgency == urgency) {
    ++rungs_[place].streams;
    return false;
  }
  const std::int32_t highest = place == 0 ? kHighest : rungs_[place - 1].priority - kSpacing;
  const std::int32_t lowest = place == rungs_.size() ? kLowest : rungs_[place].priority + kSpacing;
  const bool first = rungs_.empty();
  rungs_.insert(rungs_.begin() + static_cast<std::ptrdiff_t>(place), Rung{urgency, kUsualStreamPriority, 1, 0});
  if (first) return false;
  if (lowest > highest) {
    spread();
    return true;
  }
  rungs_[place].priority = static_cast<std::uint16_t>(lowest + (highest - lowest) / 2);
  return false;
}

void PriorityLadder::leave(std::uint16_t urgency) noexcept {
  const std::size_t place = place_of(urgency);
  assert(place < rungs_.size() && rungs_[place].urgency == urgency);
  if (--rungs_[place].streams == 0) rungs_.erase(rungs_.begin() + static_cast<std::ptrdiff_t>(place));
}

PriorityLadder::Rung& PriorityLadder::at(std::uint16_t urgency) noexcept {
  const std::size_t place = place_of(urgency);
  assert(place < rungs_.size() && rungs_[place].urgency == urgency);
  return rungs_[place];
}

std::uint16_t PriorityLadder::priority(std::uint16_t urgency, std::uint16_t step) noexcept {
  const std::size_t place = place_of(urgency);
  assert(place < rungs_.size() && rungs_[place].urgency == urgency);
  const std::int32_t top = rungs_[place].priority;
  const std::int32_t below = place + 1 < rungs_.size() ? rungs_[place + 1].priority : -1;
  // With very many rungs there is less room than kSteps between two.
  return static_cast<std::uint16_t>(std::max(top - std::min<std::int32_t>(step, kSteps - 1), below + 1));
}

std::size_t PriorityLadder::bytes_before(std::uint16_t urgency) const noexcept {
  std::size_t bytes = 0;
  for (const Rung& rung : rungs_) {
    if (rung.urgency >= urgency) break;
    bytes += rung.bytes;
  }
  return bytes;
}

std::size_t PriorityLadder::bytes_up_to(std::uint16_t urgency) const noexcept {
  std::size_t bytes = 0;
  for (const Rung& rung : rungs_) {
    if (rung.urgency > urgency) break;
    bytes += rung.bytes;
  }
  return bytes;
}

// At most as many rungs as open streams. Those beyond what the numbers have room for are closer than a full step range.
void PriorityLadder::spread() noexcept {
  const auto count = static_cast<std::int32_t>(rungs_.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const auto place = static_cast<std::int64_t>(kHighest - kLowest) * (i + 1) / (count + 1);
    rungs_[static_cast<std::size_t>(i)].priority = static_cast<std::uint16_t>(kHighest - place);
  }
}

}  // namespace msquic_py::moqt::session
