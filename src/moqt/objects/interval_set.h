#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace msquic_py::moqt::objects {

/// A set of numbers that come in runs: Group IDs, or Object IDs of one group. Costs memory by the run.
class IntervalSet {
 public:
  struct Interval {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< included
    bool operator==(const Interval&) const = default;
  };

  [[nodiscard]] bool empty() const noexcept { return intervals_.empty(); }
  [[nodiscard]] bool contains(std::uint64_t value) const noexcept;
  /// The end of the run that `value` lies in. Only if contains(value).
  [[nodiscard]] std::uint64_t last_of_run(std::uint64_t value) const noexcept;
  [[nodiscard]] std::uint64_t first_of_run(std::uint64_t value) const noexcept;
  /// The smallest number of the set that is not below `value`; the largest number of all when there is none.
  [[nodiscard]] std::uint64_t first_from(std::uint64_t value) const noexcept;
  /// Ascending, with at least one number between two of them.
  [[nodiscard]] const std::vector<Interval>& intervals() const noexcept { return intervals_; }

  void add(std::uint64_t value) { add(value, value); }
  /// `first` to `last`, both included; nothing if `last` is smaller.
  void add(std::uint64_t first, std::uint64_t last);
  void remove(std::uint64_t value);
  /// Forgets the lowest runs until no more than `count` are left.
  void keep_highest(std::size_t count);
  void clear() noexcept { intervals_.clear(); }

 private:
  /// The first run that does not end before `value`.
  [[nodiscard]] std::size_t place(std::uint64_t value) const noexcept;

  std::vector<Interval> intervals_;
};

}  // namespace msquic_py::moqt::objects
