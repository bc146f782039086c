#pragma once

#include <optional>

#include "runtime/event_loop.h"

namespace msquic_py::runtime {

/// Gives memory that is free inside the process back to the system after sessions have ended. The C library keeps what
/// was freed in the arena of each thread; after many clients that went at once, this would stay by the hundred
/// megabytes. Does nothing where the C library is not glibc. Loop thread.
class MemoryTrim final : public EventLoop::Participant {
 public:
  explicit MemoryTrim(EventLoop& loop) : loop_(loop) { loop_.add(*this); }
  ~MemoryTrim() override { loop_.remove(*this); }

  /// A session has ended. Memory is given back when none has for a second, and every ten seconds while they go on.
  void session_ended(EventLoop::Time now);

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override;

 private:
  EventLoop& loop_;
  std::optional<EventLoop::Time> first_end_;  ///< since memory was given back
  EventLoop::Time last_end_;
};

}  // namespace msquic_py::runtime
