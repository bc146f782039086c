#include "runtime/event_loop.h"

#include <algorithm>
#include <utility>

namespace msquic_py::runtime {

void EventLoop::add(Participant& participant) {
  if (free_slots_.empty()) {
    participant.slot_ = slots_.size();
    slots_.push_back(nullptr);
  } else {
    participant.slot_ = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[participant.slot_] = &participant;
  ready(participant);
}

void EventLoop::remove(Participant& participant) {
  slots_[participant.slot_] = nullptr;
  deadlines_.set(participant.slot_, Time::max());
  free_slots_.push_back(participant.slot_);
  participant.slot_ = kNoSlot;
  // It may still stand in a ready list, taken or not: forget it there, because it may be gone when we get to it.
  std::replace(ready_batch_.begin(), ready_batch_.end(), &participant, static_cast<Participant*>(nullptr));
  std::replace(due_batch_.begin(), due_batch_.end(), &participant, static_cast<Participant*>(nullptr));
  ready_.erase(&participant);
}

bool EventLoop::prepare(Participant& participant) {
  // On the loop's own thread no turn begins meanwhile: there is nothing to be missed.
  if (participant.ready_.load(std::memory_order_relaxed) && on_loop_thread()) return false;
  if (participant.ready_.exchange(true, std::memory_order_acq_rel)) return false;
  return ready_.push(&participant);
}

void EventLoop::ready(Participant& participant) {
  if (prepare(participant)) alarm_->ring();
}

void EventLoop::post(Task task) {
  if (tasks_.push(std::move(task))) alarm_->ring();
}

void EventLoop::Alarm::ring() noexcept {
  // The flag makes all but the first wake of a batch a single atomic exchange.
  if (awake_.exchange(true, std::memory_order_acq_rel)) return;
  { const std::lock_guard lock(mutex_); }
  wake_up_.notify_one();
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

void EventLoop::take_turn(Participant& participant, Time now) {
  const std::size_t slot = participant.slot_;
  participant.ready_.store(false,
                           std::memory_order_release);  // first: what arrives during the turn makes it ready again
  deadlines_.set(slot, Time::max());
  std::optional<Time> deadline;
  try {
    deadline = participant.turn(now);
  } catch (...) {
    if (slots_[slot] != &participant) throw;  // it is gone, and nobody is left to be told
    participant.failed(std::current_exception());
  }
  if (deadline && slots_[slot] == &participant) deadlines_.set(slot, *deadline);
}

EventLoop::Time EventLoop::run_turns() {
  Time now = Clock::now();
  ready_.take(ready_batch_);
  for (std::size_t i = 0; i < ready_batch_.size(); ++i) {
    if (ready_batch_[i] != nullptr) take_turn(*ready_batch_[i], now);
  }
  ready_batch_.clear();

  now = Clock::now();
  while (deadlines_.earliest() <= now) due_batch_.push_back(slots_[deadlines_.pop()]);
  for (std::size_t i = 0; i < due_batch_.size(); ++i) {  // a turn may end any participant
    if (due_batch_[i] != nullptr) take_turn(*due_batch_[i], now);
  }
  due_batch_.clear();
  return deadlines_.earliest();
}

void EventLoop::run() {
  thread_ = std::this_thread::get_id();
  stopping_ = false;
  for (;;) {
    alarm_->awake_.store(false, std::memory_order_release);  // before looking: whatever comes after this wakes us again
    tasks_.take(task_batch_);
    for (Task& task : task_batch_) task();
    task_batch_.clear();  // tasks own things; they must not outlive their turn
    if (stopping_) break;
    const Time deadline = run_turns();
    std::unique_lock lock(alarm_->mutex_);
    const auto woken = [this] { return alarm_->awake_.load(std::memory_order_acquire); };
    if (deadline == Time::max()) {
      alarm_->wake_up_.wait(lock, woken);
    } else {
      alarm_->wake_up_.wait_until(lock, deadline, woken);
    }
  }
  thread_ = std::thread::id{};
}

}  // namespace msquic_py::runtime
