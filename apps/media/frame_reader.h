#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "loc/header_extensions.h"
#include "media/chunk_demuxer.h"
#include "media/libav.h"
#include "msf/track.h"

namespace msquic_py::apps {

/// FFmpeg's number for a codec of the WebCodecs registry, "avc1.42c01e" or "opus"; AV_CODEC_ID_NONE for others.
AVCodecID codec_of(std::string_view webcodecs_name) noexcept;

/// The packets of a LOC track (draft-ietf-moq-loc, whichever version): each object is one frame, its extensions say
/// when it was captured and how its decoder is configured. Times are microseconds since the Unix epoch, or since the
/// publisher's clock began where they have a timescale.
class FrameReader {
 public:
  /// `configuration` is the decoder's, where it doesn't come with the frames. An error: the codec is not known.
  static base::Result<FrameReader, std::string> create(const msf::Track& track, base::Bytes configuration);

  struct Frame {
    Packet packet;
    bool configuration_changed = false;  ///< stream() is another from this frame on
    /// When the presentation begins, where the frame is there for decoders, all of it or up to then.
    std::optional<std::int64_t> presentation_start{};
  };
  /// A frame with its times. `first_of_group`: where extensions say nothing of it, this is what a decoder may begin
  /// with. Nothing inside: no decoder can use it yet. An error: the object is not a LOC frame.
  base::Result<std::optional<Frame>, std::string> read(base::Bytes payload, const loc::HeaderExtensions& extensions,
                                                       bool first_of_group);
  /// Complete after the first frame was read.
  [[nodiscard]] const MediaStream& stream() const noexcept { return stream_; }
  [[nodiscard]] bool is_video() const noexcept { return stream_.codec->codec_type == AVMEDIA_TYPE_VIDEO; }

 private:
  FrameReader() = default;
  void configure(base::Bytes configuration);
  /// The decode time of the frame that is shown at `presentation`: each frame's is the presentation time of the one so
  /// many frames earlier as the codec's reordering is deep.
  std::int64_t decode_time(std::int64_t presentation);

  MediaStream stream_;
  bool started_ = false;
  std::size_t reorder_ = 0;  ///< frames
  std::multiset<std::int64_t> shown_;
  std::optional<std::int64_t> last_decode_time_;
  std::int64_t interval_ = 20'000;  ///< from one frame to the next, microseconds
};

}  // namespace msquic_py::apps
