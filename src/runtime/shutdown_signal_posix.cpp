#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <utility>

#include "runtime/shutdown_signal.h"

namespace msquic_py::runtime {

struct ShutdownSignal::Waiter {
  explicit Waiter(std::function<void()> callback) : on_signal(std::move(callback)) {
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR2);  // our own, to end the thread
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    thread = std::thread([this] {
      int signal = 0;
      while (sigwait(&signals, &signal) == 0) {
        if (ending.load()) return;
        if (signal != SIGUSR2) on_signal();
      }
    });
  }
  ~Waiter() {
    ending = true;
    pthread_kill(thread.native_handle(), SIGUSR2);
    thread.join();
  }

  std::function<void()> on_signal;
  sigset_t signals{};
  std::atomic<bool> ending{false};
  std::thread thread;
};

ShutdownSignal::ShutdownSignal(std::function<void()> on_signal)
    : waiter_(std::make_unique<Waiter>(std::move(on_signal))) {}
ShutdownSignal::~ShutdownSignal() = default;

}  // namespace msquic_py::runtime
