#pragma once

#include <cstdint>

namespace msquic_py::loc {

/// A time on a clock of the publisher's own, which begins whenever it likes: the Timestamp of LOC-04 beside a Timescale
/// (section 2.3.1).
struct MediaTime {
  std::uint64_t timestamp = 0;  ///< in units of a clock that has `timescale` of them in a second; at most 2^62-1
  std::uint64_t timescale = 1'000'000;  ///< 1 to 2^62-1

  /// Rounded down; the largest number where it would be larger.
  [[nodiscard]] constexpr std::uint64_t microseconds() const noexcept {
    constexpr std::uint64_t kMillion = 1'000'000;
    const std::uint64_t seconds = timestamp / timescale;
    if (seconds > UINT64_MAX / kMillion - 1) return UINT64_MAX;
    // The rest of a second, digit by digit: rest * 1'000'000 may be too large for 64 bits.
    std::uint64_t rest = timestamp % timescale, fraction = 0;
    for (int digit = 0; digit < 6; ++digit) {
      std::uint64_t digits = 0, sum = 0;
      for (int i = 0; i < 10; ++i) {
        sum += rest;
        if (sum >= timescale) {
          sum -= timescale;
          ++digits;
        }
      }
      fraction = fraction * 10 + digits;
      rest = sum;
    }
    return seconds * kMillion + fraction;
  }

  bool operator==(const MediaTime&) const noexcept = default;
};

}  // namespace msquic_py::loc
