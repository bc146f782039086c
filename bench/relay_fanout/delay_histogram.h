#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace msquic_py::bench {

/// Counts delays in buckets of at most 1/256 of their value, so that any number of samples takes the same memory.
class DelayHistogram {
 public:
  void add(std::chrono::nanoseconds delay) noexcept {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
    ++buckets_[index_of(value)];
    ++count_;
    largest_ = std::max(largest_, value);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::chrono::nanoseconds largest() const noexcept { return std::chrono::nanoseconds(largest_); }
  /// The upper end of the bucket below which `share` (0 to 1) of the samples lie; 0 without samples.
  [[nodiscard]] std::chrono::nanoseconds quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted) return std::chrono::nanoseconds(std::min(upper_end(i), largest_));
    }
    return largest();
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr std::uint64_t kSteps = 1U << kBits;
  static std::size_t index_of(std::uint64_t value) noexcept {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return std::min<std::size_t>((shift + 1) * kSteps + ((value >> shift) - kSteps), kBuckets - 1);
  }
  static std::uint64_t upper_end(std::size_t index) noexcept {
    if (index < kSteps) return index;
    const std::size_t shift = index / kSteps - 1;
    return ((kSteps + index % kSteps + 1) << shift) - 1;
  }
  static constexpr std::size_t kBuckets = 40 * kSteps;  // beyond an hour

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace msquic_py::bench
