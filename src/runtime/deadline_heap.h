#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace msquic_py::runtime {

/// The deadlines of numbered slots, the earliest at hand. Setting one costs the logarithm of how many there are, and
/// allocates nothing once the heap has been as large.
class DeadlineHeap {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kNever = Time::max();

  /// `kNever` takes it out.
  void set(std::size_t slot, Time deadline) {
    if (slot >= places_.size()) places_.resize(slot + 1, kNowhere);
    std::size_t place = places_[slot];
    if (deadline == kNever) {
      if (place != kNowhere) remove(place);
      return;
    }
    if (place == kNowhere) {
      place = heap_.size();
      heap_.push_back({deadline, slot});
      places_[slot] = place;
    } else {
      heap_[place].deadline = deadline;
    }
    settle(place);
  }

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  /// The earliest deadline; `kNever` without any.
  [[nodiscard]] Time earliest() const noexcept { return heap_.empty() ? kNever : heap_.front().deadline; }
  /// Takes the slot with the earliest deadline out. Only if not empty().
  std::size_t pop() {
    const std::size_t slot = heap_.front().slot;
    remove(0);
    return slot;
  }

 private:
  struct Entry {
    Time deadline;
    std::size_t slot;
  };
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  void remove(std::size_t place) {
    places_[heap_[place].slot] = kNowhere;
    const std::size_t last = heap_.size() - 1;
    if (place != last) {
      heap_[place] = heap_[last];
      places_[heap_[place].slot] = place;
    }
    heap_.pop_back();
    if (place < heap_.size()) settle(place);
  }
  /// Moves the entry up or down to where it belongs.
  void settle(std::size_t place) {
    while (place > 0 && heap_[place].deadline < heap_[(place - 1) / 2].deadline) {
      exchange(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
    for (;;) {
      std::size_t least = place;
      for (std::size_t child = 2 * place + 1; child <= 2 * place + 2 && child < heap_.size(); ++child) {
        if (heap_[child].deadline < heap_[least].deadline) least = child;
      }
      if (least == place) return;
      exchange(place, least);
      place = least;
    }
  }
  void exchange(std::size_t left, std::size_t right) {
    std::swap(heap_[left], heap_[right]);
    places_[heap_[left].slot] = left;
    places_[heap_[right].slot] = right;
  }

  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;  ///< of each slot, in the heap
};

}  // namespace msquic_py::runtime
