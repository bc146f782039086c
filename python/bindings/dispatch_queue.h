#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dispatch_wakeup.h"

namespace msquic_py::python {

struct Event;

/// What an event is for. It keeps whatever the event is about; the event itself says only where to look.
class EventTarget : public std::enable_shared_from_this<EventTarget> {
 public:
  virtual ~EventTarget() = default;
  /// Runs the Python handler of the event. Called by the queue's consumer, with the GIL.
  ///
  /// No Python reference may be owned by an automatic variable while Python code runs below: when the interpreter
  /// ends while that code waits for the GIL, older Pythons unwind this thread, without the GIL.
  virtual void dispatch(const Event& event) = 0;
};

struct Event {
  std::shared_ptr<EventTarget> target;
  std::uint32_t kind = 0;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// Events on their way from MsQuic's threads, which never wait for the GIL, to the one thread that runs handlers.
class EventQueue {
 public:
  /// Any thread, in order per thread. After close() the event is dropped.
  void push(Event event) noexcept;
  /// The consumer: moves everything queued to `events`, which must be empty. When nothing was queued it returns
  /// false, and the next push() signals.
  bool take(std::vector<Event>& events) noexcept;
  /// Drops later events; what is queued stays where it is, for it may own Python buffers.
  void close() noexcept;
  [[nodiscard]] Wakeup& wakeup() noexcept { return wakeup_; }

 private:
  Wakeup wakeup_;
  std::mutex mutex_;
  std::vector<Event> events_;
  bool armed_ = true;  // the consumer sleeps or is about to
  bool closed_ = false;
};

}  // namespace msquic_py::python
