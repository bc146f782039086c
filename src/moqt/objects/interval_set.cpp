#include "moqt/objects/interval_set.h"

#include <algorithm>

namespace msquic_py::moqt::objects {

std::size_t IntervalSet::place(std::uint64_t value) const noexcept {
  const auto found =
      std::lower_bound(intervals_.begin(), intervals_.end(), value,
                       [](const Interval& interval, std::uint64_t wanted) { return interval.last < wanted; });
  return static_cast<std::size_t>(found - intervals_.begin());
}

bool IntervalSet::contains(std::uint64_t value) const noexcept {
  const std::size_t at = place(value);
  return at < intervals_.size() && intervals_[at].first <= value;
}

std::uint64_t IntervalSet::last_of_run(std::uint64_t value) const noexcept { return intervals_[place(value)].last; }

std::uint64_t IntervalSet::first_of_run(std::uint64_t value) const noexcept { return intervals_[place(value)].first; }

std::uint64_t IntervalSet::first_from(std::uint64_t value) const noexcept {
  const std::size_t at = place(value);
  return at < intervals_.size() ? std::max(intervals_[at].first, value) : UINT64_MAX;
}

void IntervalSet::add(std::uint64_t first, std::uint64_t last) {
  if (last < first) return;
  // Runs that touch the new one become part of it.
  std::size_t from = place(first == 0 ? 0 : first - 1);
  std::size_t to = from;
  while (to < intervals_.size() && (last == UINT64_MAX || intervals_[to].first <= last + 1)) {
    first = std::min(first, intervals_[to].first);
    last = std::max(last, intervals_[to].last);
    ++to;
  }
  const auto begin = intervals_.begin();
  if (from == to) {
    intervals_.insert(begin + static_cast<std::ptrdiff_t>(from), {first, last});
  } else {
    intervals_[from] = {first, last};
    intervals_.erase(begin + static_cast<std::ptrdiff_t>(from + 1), begin + static_cast<std::ptrdiff_t>(to));
  }
}

void IntervalSet::remove(std::uint64_t value) {
  const std::size_t at = place(value);
  if (at == intervals_.size() || intervals_[at].first > value) return;
  const Interval whole = intervals_[at];
  const auto position = intervals_.begin() + static_cast<std::ptrdiff_t>(at);
  if (whole.first == whole.last) {
    intervals_.erase(position);
  } else if (value == whole.first) {
    ++intervals_[at].first;
  } else if (value == whole.last) {
    --intervals_[at].last;
  } else {
    intervals_[at].last = value - 1;
    intervals_.insert(position + 1, {value + 1, whole.last});
  }
}

void IntervalSet::keep_highest(std::size_t count) {
  if (intervals_.size() <= count) return;
  intervals_.erase(intervals_.begin(), intervals_.end() - static_cast<std::ptrdiff_t>(count));
}

}  // namespace msquic_py::moqt::objects
