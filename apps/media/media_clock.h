#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace msquic_py::apps {

/// Keeps the clock of several streams from running backwards. Where an input's times jump back (it was joined of
/// several, is played again, or its encoder was restarted), they are raised so that they go on from where the media
/// had come to; all streams by the same amount. Times that only jump forward stay.
class MediaClock {
 public:
  using Time = std::chrono::microseconds;

  explicit MediaClock(std::size_t streams) : streams_(streams) {}

  /// How much to add to a packet's times. `decode_time` is as the input has it.
  Time shift_for(std::size_t stream, Time decode_time, Time duration);
  /// The input begins again: with `streams` streams, at whatever time.
  void begin_again(std::size_t streams);

 private:
  /// A step back by less is the input's own disorder.
  static constexpr Time kJump = std::chrono::milliseconds(500);
  /// How far apart the streams may be interleaved.
  static constexpr Time kSkew = std::chrono::seconds(10);

  struct Stream {
    std::optional<Time> last;  ///< as the input has it
    Time shift{0};
  };
  void jump_to(Time decode_time);

  std::vector<Stream> streams_;
  bool begun_again_ = false;   ///< no packet has come since
  Time shift_{0};              ///< of the latest jump
  std::optional<Time> start_;  ///< where it went to, as the input has it
  std::optional<Time> end_;    ///< of everything so far, raised
};

}  // namespace msquic_py::apps
