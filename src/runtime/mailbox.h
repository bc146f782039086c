#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace msquic_py::runtime {

/// Values handed from any thread to one consumer. The consumer takes everything at once and gives the vector back,
/// so that two vectors swap places and a warmed-up mailbox allocates nothing.
template <class T>
class Mailbox {
 public:
  /// Adds `value`. Returns true when the mailbox was empty, so that the consumer has to be woken once per batch.
  bool push(T&& value) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = incoming_.empty();
    incoming_.push_back(std::move(value));
    return was_empty;
  }

  /// Swaps what has arrived into `batch`, which is emptied first. Consumer only.
  void take(std::vector<T>& batch) {
    batch.clear();
    const std::lock_guard lock(mutex_);
    batch.swap(incoming_);
  }

  /// Drops every value equal to `value` that has not been taken yet. Consumer only.
  void erase(const T& value) {
    const std::lock_guard lock(mutex_);
    std::erase(incoming_, value);
  }

 private:
  std::mutex mutex_;
  std::vector<T> incoming_;
};

}  // namespace msquic_py::runtime
