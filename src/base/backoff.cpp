#include "base/backoff.h"

#include <algorithm>

#include "base/entropy.h"

namespace msquic_py::base {

namespace {

/// SplitMix64: two multiplications are random enough to keep clients apart.
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Backoff::Backoff(Limits limits) : Backoff(limits, entropy()) {}

Backoff::Backoff(Limits limits, std::uint64_t seed) noexcept : limits_(limits), state_(seed) {
  limits_.first = std::max(limits_.first, Duration(1));
  limits_.longest = std::max(limits_.longest, limits_.first);
}

Backoff::Duration Backoff::next() noexcept {
  Duration most = limits_.first;
  for (std::uint32_t failure = 0; failure < failures_ && most < limits_.longest; ++failure) most *= 2;
  most = std::min(most, limits_.longest);
  ++failures_;
  const auto half = static_cast<std::uint64_t>(most.count() / 2);
  return most - Duration(static_cast<Duration::rep>(draw(state_) % (half + 1)));
}

Backoff::Duration attempt_limit(std::uint32_t attempt, Backoff::Duration longest) noexcept {
  constexpr std::uint32_t kMostDoublings = 20;  // days: `longest` is shorter, or means no limit
  const std::uint32_t doublings = std::min(attempt - std::min(attempt, 1u), kMostDoublings);
  return std::min(Backoff::Duration(std::chrono::seconds(1)) * (1 << doublings), longest);
}

}  // namespace msquic_py::base
