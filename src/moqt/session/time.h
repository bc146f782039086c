#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace msquic_py::moqt::session {

/// The session never reads a clock: whoever drives it says what time it is. Only differences matter.
using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// A time that a peer has said in milliseconds. More than a day is a day: sums with it stay within what can be counted.
constexpr std::chrono::milliseconds milliseconds_said(std::uint64_t count) noexcept {
  constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1000;
  return std::chrono::milliseconds(std::min(count, kDay));
}

}  // namespace msquic_py::moqt::session
