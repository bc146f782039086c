#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/libav.h"
#include "media/stream_description.h"

namespace msquic_py::apps {

/// A stream of coded media, as a muxer has to know it.
struct MediaStream {
  CodecParameters codec;
  AVRational time_base{1, 1'000'000};
  StreamDescription description{};  ///< null: there is none
};

/// The packets of a CMAF track, or of a fragmented MP4 with several streams, object by object: an initialization
/// segment ("ftyp" and "moov") first, then chunks ("moof" and "mdat"), each of which can be read without the others.
class ChunkDemuxer {
 public:
  /// `stream` is the place in streams().
  using Sink = std::function<void(Packet packet, std::size_t stream)>;

  /// Replaces what is known of the streams. An error says what is wrong with the segment.
  base::Result<void, std::string> set_initialization(base::Bytes segment);
  [[nodiscard]] const base::ByteVector& initialization() const noexcept { return initialization_; }
  /// Audio and video; empty before there is an initialization segment.
  [[nodiscard]] const std::vector<MediaStream>& streams() const noexcept { return streams_; }

  /// Hands every packet of `chunk` to `sink`, in their order. Nothing but whole packets: a chunk that is cut short or
  /// damaged is an error, and what could be read was handed out.
  base::Result<void, std::string> read(base::Bytes chunk, const Sink& sink) const;

 private:
  base::ByteVector initialization_;
  std::vector<MediaStream> streams_;
  std::vector<std::uint32_t> track_ids_;  ///< of streams_
  std::vector<int> places_;               ///< of the container's streams in streams_; -1: neither audio nor video
};

/// The initialization segment at the beginning of an object, empty when there is none.
base::Bytes leading_initialization(base::Bytes object) noexcept;

}  // namespace msquic_py::apps
