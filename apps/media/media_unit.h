#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace msquic_py::apps {

/// How media become objects.
enum class Packaging {
  Cmaf,   ///< a track each for video and audio; objects are CMAF chunks, the initialization segment is in the catalog
  Loc,    ///< a track each; objects are frames as their decoder wants them (LOC)
  Muxed,  ///< one track of all; the first object of each group begins with the initialization segment
};

/// A track as subscribers are told of it.
struct MediaTrack {
  bool video = false;
  std::string codec;                ///< "avc1.64001f", "opus" …
  base::ByteVector initialization;  ///< "ftyp" and "moov"; for LOC the codec's configuration
  std::uint32_t timescale = 0;
  std::uint32_t width = 0, height = 0;
  double frame_rate = 0;  ///< 0: not known
  std::uint32_t sample_rate = 0, channels = 0;
  std::uint64_t bit_rate = 0;  ///< bits per second; 0: not known
  std::string language;        ///< ISO 639-2, or empty

  bool operator==(const MediaTrack&) const = default;
};

/// One object's worth of media.
struct MediaUnit {
  std::size_t track = 0;
  base::ByteVector bytes;
  bool starts_group = false;
  /// When it is due: the decode time of its first frame. Nothing where the input has no time (length-framed).
  std::optional<std::chrono::microseconds> time;
  std::chrono::microseconds duration{0};
  /// Of its first frame, where subscribers are to know it as a capture time.
  std::optional<std::chrono::microseconds> presentation_time;
  /// LOC, of what is shown or heard from some later time on, or not at all: that time, when the presentation begins.
  std::optional<std::chrono::microseconds> presentation_start;
  base::ByteVector video_config;  ///< LOC: the decoder's configuration, with each frame that it may begin with
  base::ByteVector audio_config;  ///< LOC: the same of sound, at the beginning of each group
};

}  // namespace msquic_py::apps
