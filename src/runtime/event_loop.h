#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/deadline_heap.h"
#include "runtime/mailbox.h"

namespace msquic_py::runtime {

/// One thread that runs tasks posted from anywhere and lets its participants take turns.
///
/// Sessions, drivers and the relay belong to one loop and are touched on its thread alone; that is why none of them
/// has a lock. Waiting is a condition variable: no file descriptor, nothing that is particular to a system.
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  using Task = std::function<void()>;

  /// Something that lives on the loop, for example one connection. It takes a turn when it has been made ready or
  /// when the deadline that it returned last has passed.
  class Participant {
   public:
    Participant() = default;
    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;
    virtual ~Participant() = default;

    /// Handles what has arrived; never blocks. Returns the next deadline, nothing when only events matter.
    virtual std::optional<Time> turn(Time now) = 0;
    /// What turn() threw; memory that ran out, in practice. The participant ends what it was doing and others go on.
    /// Throwing it again ends the loop.
    virtual void failed(std::exception_ptr thrown) { std::rethrow_exception(std::move(thrown)); }

   private:
    friend class EventLoop;
    std::atomic<bool> ready_{false};
    std::size_t slot_ = kNoSlot;
  };

  /// Wakes the loop. For who holds a lock that the loop's thread wants next: it is rung when that has been let go of,
  /// and by then the loop may be gone.
  class Alarm {
   public:
    void ring() noexcept;

   private:
    friend class EventLoop;
    std::mutex mutex_;
    std::condition_variable wake_up_;
    std::atomic<bool> awake_{false};
  };

  EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Adds a participant and makes it ready. Loop thread, or before run().
  void add(Participant& participant);
  /// Removes a participant, also during a turn. After this no thread may call ready() for it. Loop thread.
  void remove(Participant& participant);

  /// Makes `participant` take a turn soon. Any thread; once per turn is enough, more calls are cheap.
  void ready(Participant& participant);
  /// The same but for waking the loop; whether alarm() is to be rung for that, which may be done later.
  [[nodiscard]] bool prepare(Participant& participant);
  [[nodiscard]] const std::shared_ptr<Alarm>& alarm() const noexcept { return alarm_; }
  /// Runs `task` on the loop's thread, in the order of posting. Any thread.
  void post(Task task);

  /// Runs until stop(); returns on the thread that called it.
  void run();
  /// Makes run() return after the current turn; tasks posted before it still run. Any thread.
  void stop();

  [[nodiscard]] bool on_loop_thread() const noexcept { return thread_ == std::this_thread::get_id(); }

 private:
  static constexpr std::size_t kNoSlot = static_cast<std::size_t>(-1);

  void take_turn(Participant& participant, Time now);
  Time run_turns();

  Mailbox<Task> tasks_;
  Mailbox<Participant*> ready_;
  std::vector<Task> task_batch_;
  std::vector<Participant*> ready_batch_;
  std::vector<Participant*> due_batch_;
  std::vector<Participant*> slots_;  ///< null: free
  std::vector<std::size_t> free_slots_;
  DeadlineHeap deadlines_;  ///< of slots

  const std::shared_ptr<Alarm> alarm_ = std::make_shared<Alarm>();
  bool stopping_ = false;
  std::atomic<std::thread::id> thread_{};
};

}  // namespace msquic_py::runtime
