#include "dispatch_queue.h"

#include <utility>

namespace msquic_py::python {

void EventQueue::push(Event event) noexcept {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    events_.push_back(std::move(event));
    wake = std::exchange(armed_, false);
  }
  if (wake) wakeup_.signal();
}

bool EventQueue::take(std::vector<Event>& events) noexcept {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) {
    armed_ = true;
    return false;
  }
  events.swap(events_);
  return true;
}

void EventQueue::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace msquic_py::python
