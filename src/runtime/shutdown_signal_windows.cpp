#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <mutex>
#include <utility>

#include "runtime/shutdown_signal.h"

namespace msquic_py::runtime {
namespace {

// The console handler has no argument of its own, so there is one receiver per process.
std::mutex receiver_mutex;
std::function<void()> receiver;

BOOL WINAPI on_console_event(DWORD) {
  const std::lock_guard lock(receiver_mutex);
  if (!receiver) return FALSE;
  receiver();
  return TRUE;
}

}  // namespace

struct ShutdownSignal::Waiter {};

ShutdownSignal::ShutdownSignal(std::function<void()> on_signal) : waiter_(std::make_unique<Waiter>()) {
  const std::lock_guard lock(receiver_mutex);
  receiver = std::move(on_signal);
  SetConsoleCtrlHandler(on_console_event, TRUE);
}

ShutdownSignal::~ShutdownSignal() {
  SetConsoleCtrlHandler(on_console_event, FALSE);
  const std::lock_guard lock(receiver_mutex);
  receiver = nullptr;
}

}  // namespace msquic_py::runtime
