#include "media/media_clock.h"

#include <algorithm>
#include <utility>

namespace msquic_py::apps {

void MediaClock::jump_to(Time decode_time) {
  start_ = decode_time;
  shift_ = end_ ? *end_ - decode_time : Time{0};
}

MediaClock::Time MediaClock::shift_for(std::size_t stream, Time decode_time, Time duration) {
  Stream& state = streams_[stream];
  if (std::exchange(begun_again_, false) && end_) {
    // Only what would run backwards is raised.
    if (decode_time + kJump < *end_) {
      jump_to(decode_time);
    } else {
      start_ = decode_time;
      shift_ = Time{0};
    }
  }
  if (!state.last) {
    state.shift = shift_;
  } else if (decode_time + kJump < *state.last) {
    // Another stream may have made this jump already.
    const bool same = start_ && shift_ != state.shift && decode_time + kSkew > *start_ && decode_time < *start_ + kSkew;
    if (!same) jump_to(decode_time);
    state.shift = shift_;
  }
  state.last = decode_time;
  const Time end = decode_time + duration + state.shift;
  end_ = end_ ? std::max(*end_, end) : end;
  return state.shift;
}

void MediaClock::begin_again(std::size_t streams) {
  streams_.assign(streams, {});
  start_.reset();
  begun_again_ = true;
}

}  // namespace msquic_py::apps
