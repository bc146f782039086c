#pragma once

#include <chrono>
#include <optional>

namespace msquic_py::apps {

/// When media are due that are to be sent at their own speed: measured from the first on a clock that only goes
/// forward, so that nothing adds up. A gap in the media's times is not waited for.
class Pacer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using MediaTime = std::chrono::microseconds;

  /// When the media at `time` are due; the first are due at `now`. Times of one call after another may go back a
  /// little, as those of several tracks do.
  Time due(MediaTime time, MediaTime duration, Time now);

 private:
  /// What may be missing between one object and the next, for example because nothing moves in a screen capture.
  static constexpr MediaTime kLongestGap = std::chrono::seconds(2);

  /// How long one object may last; beyond it, what looks like a long picture is a jump in the times.
  static constexpr MediaTime kLongestObject = std::chrono::seconds(5);

  std::optional<Time> start_;
  MediaTime origin_{0};    ///< the media time that is due at start_
  MediaTime expected_{0};  ///< the end of what has been asked for so far
};

}  // namespace msquic_py::apps
