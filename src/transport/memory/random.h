#pragma once

#include <chrono>
#include <cstdint>

namespace msquic_py::transport::memory {

/// Numbers that follow from a seed, the same ones with every compiler and library (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 to `bound` - 1; 0 when `bound` is 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  /// `low` to `high`, both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }
  /// True `per_million` times in a million.
  bool chance(std::uint64_t per_million) noexcept { return below(1'000'000) < per_million; }
  template <class Rep, class Period>
  std::chrono::duration<Rep, Period> up_to(std::chrono::duration<Rep, Period> most) noexcept {
    return std::chrono::duration<Rep, Period>(static_cast<Rep>(below(static_cast<std::uint64_t>(most.count()) + 1)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace msquic_py::transport::memory
