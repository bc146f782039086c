#include "runtime/memory_trim.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>

#include "quic/background.h"

namespace msquic_py::runtime {

namespace {

constexpr EventLoop::Clock::duration kQuiet = std::chrono::seconds(1);
constexpr EventLoop::Clock::duration kLongest = std::chrono::seconds(10);

/// Looks through every arena, which takes milliseconds, so not on the loop.
void give_back_free_memory() {
#if defined(__GLIBC__)
  quic::run_in_background([] { (void)::malloc_trim(0); });
#endif
}

}  // namespace

void MemoryTrim::session_ended(EventLoop::Time now) {
  last_end_ = now;
  if (first_end_) return;
  first_end_ = now;
  loop_.ready(*this);
}

std::optional<EventLoop::Time> MemoryTrim::turn(EventLoop::Time now) {
  if (!first_end_) return std::nullopt;
  const EventLoop::Time due = std::min(last_end_ + kQuiet, *first_end_ + kLongest);
  if (now < due) return due;
  first_end_.reset();
  give_back_free_memory();
  return std::nullopt;
}

}  // namespace msquic_py::runtime
