#include "quic/background.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "quic/library.h"

namespace msquic_py::quic {
namespace {

struct Queue {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> jobs;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> later;
  bool running = false;

  /// Moves what is due to the jobs.
  void collect_due() {
    const auto now = std::chrono::steady_clock::now();
    while (!later.empty() && later.begin()->first <= now) {
      jobs.push_back(std::move(later.begin()->second));
      later.erase(later.begin());
    }
  }
  void start() {
    if (running) return;
    try {
      std::thread([this] { run(); }).detach();
      running = true;
    } catch (const std::system_error&) {
      // No thread to be had now. The jobs stay, and the next one tries again.
    }
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      collect_due();
      if (jobs.empty()) {
        if (later.empty()) {
          wake.wait(lock);
        } else {
          // A copy: the entry may go while the lock is not held.
          const auto next = later.begin()->first;
          wake.wait_until(lock, next);
        }
        continue;
      }
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }
};

std::atomic<Queue*>& instance() noexcept {
  // Never destroyed: the thread outlives static destruction. Without memory for it nothing can go on.
  static std::atomic<Queue*> current{new Queue};  // NOLINT(bugprone-unhandled-exception-at-new)
  return current;
}

Queue& queue() noexcept { return *instance().load(std::memory_order_acquire); }

}  // namespace

void run_in_background(std::function<void()> job) {
  if (Library::forked()) return;
  Queue& target = queue();
  {
    const std::lock_guard lock(target.mutex);
    target.jobs.push_back(std::move(job));
    target.start();
  }
  target.wake.notify_one();
}

void run_in_background_after(std::chrono::milliseconds delay, std::function<void()> job) {
  if (Library::forked()) return;
  Queue& target = queue();
  {
    const std::lock_guard lock(target.mutex);
    target.later.emplace(std::chrono::steady_clock::now() + delay, std::move(job));
    target.start();
  }
  target.wake.notify_one();
}

void run_on_own_thread(std::function<void()> job) {
  if (Library::forked()) return;
  try {
    std::thread(job).detach();
  } catch (const std::system_error&) {
    run_in_background(std::move(job));  // no thread to be had: it waits its turn on the one there is
  }
}

void hold_background() noexcept { queue().mutex.lock(); }
void release_background() noexcept { queue().mutex.unlock(); }
// The thread of the old one waited on its condition variable, which is of no use any more.
void renew_background() noexcept {
  instance().store(new Queue, std::memory_order_release);  // NOLINT(bugprone-unhandled-exception-at-new): see above
}

void keep_for_ever(std::shared_ptr<void> object) {
  static std::mutex* const mutex = new std::mutex;
  static auto* const kept = new std::vector<std::shared_ptr<void>>;  // never destroyed
  const std::lock_guard lock(*mutex);
  kept->push_back(std::move(object));
}

}  // namespace msquic_py::quic
