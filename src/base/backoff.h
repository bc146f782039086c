#pragma once

#include <chrono>
#include <cstdint>

namespace msquic_py::base {

/// How long to wait before trying again what has failed: the wait doubles with each failure, and is drawn at random
/// from its upper half, so that those who lost the same server do not all come back at the same moment. Pure
/// arithmetic: whoever uses it has the timer.
class Backoff {
 public:
  using Duration = std::chrono::milliseconds;
  struct Limits {
    Duration first{250};       ///< the longest wait after the first failure; at least 1 ms
    Duration longest{15'000};  ///< the longest of all; at least `first`
  };

  explicit Backoff(Limits limits);
  Backoff() : Backoff(Limits{}) {}
  /// The same `seed` gives the same waits: for tests and simulation.
  Backoff(Limits limits, std::uint64_t seed) noexcept;

  /// It has failed: the wait before the next attempt.
  [[nodiscard]] Duration next() noexcept;
  /// It works: the next failure is a first one again. Of a session say so only when it has lasted: a server that
  /// accepts and closes at once would be dialled without a pause.
  void reset() noexcept { failures_ = 0; }
  /// Failures since the beginning or reset().
  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }

 private:
  Limits limits_;
  std::uint64_t state_;
  std::uint32_t failures_ = 0;
};

/// How long attempt number `attempt`, from 1 on, to reach a server again may last: a second, then twice as long each
/// time, up to `longest`. An attempt that was begun with a server that has died since, or with nobody, learns nothing
/// of the one that has taken its place: a new one does, so that nobody is away for much longer than the server was.
[[nodiscard]] Backoff::Duration attempt_limit(std::uint32_t attempt, Backoff::Duration longest) noexcept;

}  // namespace msquic_py::base
