#include "moqt_session_thread.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace msquic_py::python {

namespace {

struct SessionThread {
  std::once_flag once;
  runtime::EventLoop loop;
};

// Never destroyed: the thread may outlive static destructors.
std::atomic<SessionThread*>& current() noexcept {
  static std::atomic<SessionThread*> thread{new SessionThread};
  return thread;
}

}  // namespace

runtime::EventLoop& session_loop() {
  SessionThread& thread = *current().load(std::memory_order_acquire);
  std::call_once(thread.once, [&thread] { std::thread([&thread] { thread.loop.run(); }).detach(); });
  return thread.loop;
}

void renew_session_loop() noexcept { current().store(new SessionThread, std::memory_order_release); }

}  // namespace msquic_py::python
