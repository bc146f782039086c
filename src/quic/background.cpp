#include "quic/background.h"

#include <condition_variable>
#include <deque>
#include <mutex>
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
  bool running = false;

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return !jobs.empty(); });
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }
};

Queue& queue() {
  static Queue* const instance = new Queue;  // never destroyed: the thread outlives static destruction
  return *instance;
}

}  // namespace

void run_in_background(std::function<void()> job) {
  if (Library::forked()) return;
  Queue& target = queue();
  {
    const std::lock_guard lock(target.mutex);
    target.jobs.push_back(std::move(job));
    if (!target.running) {
      target.running = true;
      std::thread([&target] { target.run(); }).detach();
    }
  }
  target.wake.notify_one();
}

void run_on_own_thread(std::function<void()> job) {
  if (Library::forked()) return;
  std::thread(std::move(job)).detach();
}

void keep_for_ever(std::shared_ptr<void> object) {
  static std::mutex* const mutex = new std::mutex;
  static auto* const kept = new std::vector<std::shared_ptr<void>>;  // never destroyed
  const std::lock_guard lock(*mutex);
  kept->push_back(std::move(object));
}

}  // namespace msquic_py::quic
