#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/libav.h"

extern "C" {
#include <libavcodec/bsf.h>
}

namespace msquic_py::apps {

struct BitstreamFilterFree {
  void operator()(AVBSFContext* filter) const noexcept { av_bsf_free(&filter); }
};
using BitstreamFilter = std::unique_ptr<AVBSFContext, BitstreamFilterFree>;

/// What a chunk muxer is told of one stream.
struct ChunkStream {
  const AVCodecParameters* codec = nullptr;
  AVRational time_base{0, 1};  ///< of the packets
  AVRational frame_rate{0, 1};
  std::string language;              ///< ISO 639-2, or empty
  const AVStream* source = nullptr;  ///< what else is said of it: how it is turned, its brightness; may be null
};

/// Makes CMAF of packets: one initialization segment ("ftyp" and "moov"), then chunks ("moof" and "mdat") that hold
/// whatever was added since the one before. Times are kept exactly: a track's timescale is the denominator of its time
/// base, and each chunk says its decode time itself ("tfdt"). H.264 and HEVC in Annex B form and AAC in ADTS become
/// what MP4 wants.
class ChunkMuxer {
 public:
  /// `first` is the first packet of each stream: some codecs (AC-3) describe themselves only there. They are the
  /// beginning of the first chunk. Every time that is given, here and to add(), is raised by `raise_seconds`; an edit
  /// list in the initialization segment takes it back, so that times below 0 survive. An error says which stream can't
  /// be put into CMAF.
  static base::Result<std::unique_ptr<ChunkMuxer>, std::string> create(const std::vector<ChunkStream>& streams,
                                                                       const std::vector<const AVPacket*>& first,
                                                                       std::int64_t raise_seconds);
  ChunkMuxer(const ChunkMuxer&) = delete;
  ChunkMuxer& operator=(const ChunkMuxer&) = delete;
  ~ChunkMuxer();

  [[nodiscard]] const base::ByteVector& initialization() const noexcept { return initialization_; }
  /// Decode times of a stream have to rise.
  base::Result<void, std::string> add(const AVPacket& packet, std::size_t stream);
  /// The chunk of what was added; empty when nothing was.
  base::Result<base::ByteVector, std::string> take_chunk();
  /// Ticks per second of a stream's decode times.
  [[nodiscard]] std::uint32_t timescale(std::size_t stream) const;

 private:
  explicit ChunkMuxer(std::int64_t raise_seconds) : raise_seconds_(raise_seconds) {}
  base::Result<void, std::string> open(const std::vector<ChunkStream>& streams,
                                       const std::vector<const AVPacket*>& first);
  /// AAC comes with a header of its own (ADTS) in each frame: sets up what takes it off, and the configuration.
  base::Result<void, std::string> unwrap_adts(AVStream& output, const AVPacket& first);
  base::Result<base::ByteVector, std::string> flush();

  AVFormatContext* context_ = nullptr;
  std::vector<BitstreamFilter> filters_;  ///< of each stream; null: none
  std::vector<AVRational> time_bases_;    ///< of the packets that are given
  std::int64_t raise_seconds_;
  base::ByteVector initialization_;
  Packet scratch_ = new_packet();
};

/// Whether packets of this codec can go into an MP4.
bool fits_into_mp4(const AVCodecParameters& codec);

}  // namespace msquic_py::apps
