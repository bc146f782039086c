#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "base/shared_bytes.h"
#include "dispatch_queue.h"
#include "msquic_async_held.h"

namespace msquic_py::python {

class AsyncStreamObject;

/// The queue of one asyncio loop: what happened on MsQuic's threads goes in, and the loop takes it out in batches when
/// its file descriptor is readable. It outlives the loop: what comes later is dropped, but for buffers of Python, which
/// the dispatcher's thread gives back.
class AsyncQueue {
 public:
  /// Any thread.
  void push(Event event) noexcept;
  /// The loop is gone. Needs the GIL.
  void close() noexcept;
  [[nodiscard]] bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  [[nodiscard]] EventQueue& events() noexcept { return events_; }

 private:
  EventQueue events_;
  std::atomic<bool> closed_{false};
};

/// The Python class AsyncChannel, one for each asyncio loop. All members need the GIL or, where there is none, belong
/// to the loop's thread.
class AsyncChannelObject {
 public:
  /// `loop`: a weak reference to it. The loop's selector keeps the channel.
  AsyncChannelObject(nanobind::object loop, nanobind::handle stream_type, nanobind::handle connection_type);
  AsyncChannelObject(const AsyncChannelObject&) = delete;
  AsyncChannelObject& operator=(const AsyncChannelObject&) = delete;
  ~AsyncChannelObject();

  /// Delivers at most `limit` events; the file descriptor stays readable when more are waiting. What waits for them
  /// goes to the list `ready` (see settle_future()), or to the loop when that is None.
  void dispatch(nanobind::handle ready, std::size_t limit);
  /// While events are delivered, where what waits for a future is to go; else null.
  [[nodiscard]] PyObject* ready() const noexcept { return ready_; }
  /// Sends what streams have written since the last flush.
  void flush();
  /// `stream` has something to send. The first one of a turn arranges for flush().
  void mark_dirty(AsyncStreamObject& stream);
  void close() noexcept;
  /// The loop was closed: what nobody closed before ends with it, and with a ResourceWarning. Then close().
  void end() noexcept;
  /// Objects that end() is about. remove() by their destructors, on any thread.
  void add(AsyncLoopMember& member) noexcept;
  void remove(AsyncLoopMember& member) noexcept;
  /// Raises RuntimeError when it is gone.
  [[nodiscard]] nanobind::object loop() const;
  /// A new future of the loop.
  [[nodiscard]] nanobind::object create_future() const;
  /// Keeps an object alive that somebody waits for, until release().
  void hold(AsyncHeld& object) noexcept;
  /// May destroy the object.
  void release(AsyncHeld& object) noexcept;
  /// For small writes of this loop's streams.
  base::SlabArena& arena() noexcept { return arena_; }

  /// Raises RuntimeError on another thread than the loop's.
  void check_thread() const;
  /// Raises RuntimeError when another loop runs than this one.
  void check_loop() const;
  /// Whether this is another thread than the loop's, asked where no GIL keeps such a call from doing harm.
  [[nodiscard]] bool is_elsewhere() const noexcept {
#if defined(NB_FREE_THREADED)
    return std::this_thread::get_id() != thread_;
#else
    return false;
#endif
  }
  /// check_thread() for what costs too little to ask where there is a GIL.
  void guard_thread() const {
    if (is_elsewhere()) check_thread();
  }
  /// Has the loop call a method of `object`, if the loop is still there.
  template <class... Arguments>
  void call_there(nanobind::handle object, const char* method, const Arguments&... arguments) const noexcept {
    try {
      const nanobind::object loop = loop_.is_valid() ? loop_() : nanobind::none();
      if (!loop.is_none()) loop.attr("call_soon_threadsafe")(object.attr(method), arguments...);
    } catch (nanobind::python_error&) {  // it is closed
    }
  }
  [[nodiscard]] const std::shared_ptr<AsyncQueue>& queue() const noexcept { return queue_; }
  [[nodiscard]] nanobind::handle stream_type() const noexcept { return stream_type_; }
  [[nodiscard]] nanobind::handle connection_type() const noexcept { return connection_type_; }

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  void deliver(std::size_t limit);
  void flush_finished();
  void release_all() noexcept;

  nanobind::object loop_;
  nanobind::object stream_type_;
  nanobind::object connection_type_;
  std::shared_ptr<AsyncQueue> queue_ = std::make_shared<AsyncQueue>();
  const std::thread::id thread_ = std::this_thread::get_id();
  std::vector<Event> batch_;
  std::size_t next_ = 0;       // of batch_, to be delivered
  PyObject* ready_ = nullptr;  // while events are delivered; not counted
  std::vector<nanobind::object> dirty_;
  quic::IntrusiveList<AsyncHeld> held_;
  nanobind::ft_mutex members_mutex_;
  quic::IntrusiveList<AsyncLoopMember> members_;
  base::SlabArena arena_;
  bool closed_ = false;
};

}  // namespace msquic_py::python
