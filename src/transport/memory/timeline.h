#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace msquic_py::transport::memory {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Virtual time and what is to happen in it. What falls on the same moment happens in the order in which it was asked
/// for, so that a run depends on nothing but what was asked.
class Timeline {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] Time now() const noexcept { return now_; }
  void at(Time time, Task task);
  void after(Duration delay, Task task) { at(now_ + delay, std::move(task)); }
  /// When the next thing happens; nothing when none is asked for.
  [[nodiscard]] std::optional<Time> next() const;
  /// Moves on to the next thing and does it. False when there is none.
  bool step();
  /// Moves the clock on to `time`, which nothing may come before. For who has timers of its own.
  void skip_to(Time time);

 private:
  struct Entry {
    Time time;
    std::uint64_t number;
    Task task;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const noexcept {
      return a.time != b.time ? a.time > b.time : a.number > b.number;
    }
  };

  Time now_{std::chrono::hours(1)};  // so that subtracting a little from it does no harm
  std::uint64_t next_number_ = 0;
  std::vector<Entry> entries_;  // a heap
};

}  // namespace msquic_py::transport::memory
