#include "dispatch_exit.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace msquic_py::python {
namespace {

std::atomic<bool> leaving{false};
std::atomic<std::thread::id> leaving_thread{};

}  // namespace

void begin_leaving() noexcept {
  leaving_thread.store(std::this_thread::get_id());
  leaving.store(true);
}

void wait_while_leaving() noexcept {
  while (leaving.load() && leaving_thread.load() != std::this_thread::get_id()) {
    std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

void stay_for_ever() noexcept {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace msquic_py::python
