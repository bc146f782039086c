#include "transport/memory/timeline.h"

#include <algorithm>
#include <cassert>

namespace msquic_py::transport::memory {

void Timeline::at(Time time, Task task) {
  entries_.push_back({std::max(time, now_), next_number_++, std::move(task)});
  std::push_heap(entries_.begin(), entries_.end(), Later{});
}

std::optional<Time> Timeline::next() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.front().time);
}

bool Timeline::step() {
  if (entries_.empty()) return false;
  std::pop_heap(entries_.begin(), entries_.end(), Later{});
  const Entry entry = std::move(entries_.back());
  entries_.pop_back();
  now_ = entry.time;
  entry.task();
  return true;
}

void Timeline::skip_to(Time time) {
  assert(!next() || time <= *next());
  now_ = std::max(now_, time);
}

}  // namespace msquic_py::transport::memory
