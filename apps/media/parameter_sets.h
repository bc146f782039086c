#pragma once

#include <optional>

#include "base/bytes.h"
#include "media/libav.h"

namespace msquic_py::apps {

/// How a stream goes on when its encoder was configured anew in the middle of a recording.
struct Continuation {
  bool same = false;  ///< the configuration is that of the beginning
  /// To be put in front of every key frame: the new parameter sets of H.264 and HEVC, framed as the recording's first
  /// configuration says. Empty where frames describe themselves.
  base::ByteVector in_front_of_key_frames;
};

/// What a recording that was begun with `first` needs in order to go on with `now`. Nothing: the two can't be in one
/// stream (another codec, other sampling, frames that are framed in another way).
std::optional<Continuation> continue_with(const AVCodecParameters& first, const AVCodecParameters& now);

}  // namespace msquic_py::apps
