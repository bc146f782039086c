#include <chrono>
#include <thread>

#include "media/interrupt.h"

namespace msquic_py::apps {

Interrupt::Interrupt() = default;
Interrupt::~Interrupt() = default;

void Interrupt::raise() noexcept { raised_.store(true, std::memory_order_release); }

bool Interrupt::wait(int descriptor, int milliseconds) const noexcept {
  // The system has no wait for a pipe and an event at once: a read that has begun is not interrupted.
  if (descriptor < 0 && milliseconds > 0) std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return !raised();
}

}  // namespace msquic_py::apps
