#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/chunk_demuxer.h"
#include "media/libav.h"
#include "media/parameter_sets.h"

namespace msquic_py::apps {

/// Writes the packets of several streams as one fragmented MP4 whose clock begins at 0: the earliest packet of all is
/// shown then, and every other keeps its distance from it. Where there is video, the delay of an encoder of sound does
/// not count: the first picture is at 0. A fragment is at most a second long, so that what is there
/// plays, however the writing ends.
///
/// Packets whose time is below 0, or below the presentation start that their source names, are there for decoders:
/// what an edit list of the source leaves out, or a sound encoder's delay. They are written, and an edit list leaves
/// them out again. FFmpeg's demultiplexer honours that for samples that "moov" describes, and not for those of
/// fragments: then fragments begin behind what is left out.
///
/// A stream whose times go back (its encoder was started again) goes on behind what was written; the other streams
/// that go back as well follow with the same shift.
class MovieWriter {
 public:
  using Output = std::function<void(base::Bytes)>;
  using Outcome = base::Result<void, std::string>;

  explicit MovieWriter(Output output) : output_(std::move(output)) {}
  MovieWriter(const MovieWriter&) = delete;
  MovieWriter& operator=(const MovieWriter&) = delete;
  ~MovieWriter();

  /// Another stream, before the movie has begun.
  std::size_t add_stream(const MediaStream& stream);
  /// The stream's encoder was configured anew. False: it can't go on in this movie.
  bool reconfigure(std::size_t stream, const MediaStream& now);
  /// When the presentation begins, on the clock of all streams, where that is not 0. Without an effect once the movie
  /// has begun.
  void set_presentation_start(std::chrono::microseconds start) noexcept { presentation_start_ = start.count(); }
  /// A packet, in its stream's time base; it is held until the movie begins. Packets of a video stream that come
  /// before its first key frame, or whose stream is not in the movie, are passed over.
  Outcome write(std::size_t stream, Packet packet);

  [[nodiscard]] bool begun() const noexcept { return context_ != nullptr; }
  /// Nothing will come of this stream: it is not waited for.
  void dismiss(std::size_t stream) noexcept { streams_[stream].dismissed = true; }
  /// Every stream that is waited for has a packet: begin() misses nothing.
  [[nodiscard]] bool complete() const noexcept;
  /// Bytes that are held.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }
  [[nodiscard]] bool has_packets(std::size_t stream) const noexcept { return streams_[stream].any; }
  /// Begins the movie with the streams that have packets. Nothing happens when none has.
  Outcome begin();
  /// Ends the movie, after begin().
  Outcome finish();

  /// Time from the beginning to the end of the latest packet.
  [[nodiscard]] std::chrono::microseconds length() const noexcept;
  [[nodiscard]] std::uint64_t packets(std::size_t stream) const noexcept { return streams_[stream].packets; }

 private:
  struct Stream {
    MediaStream source;                       ///< as it was when the movie began
    AVRational time_base{1, 1'000'000};       ///< of the packets now
    base::ByteVector in_front_of_key_frames;  ///< see Continuation
    Packet pending;                           ///< the next packet tells how long it lasts
    int place = -1;                           ///< in the movie
    bool any = false;
    bool dismissed = false;
    bool reconfigured = false;  ///< the movie holds more than one configuration
    std::uint64_t packets = 0;
    std::int64_t last_time = INT64_MIN;     ///< decode time of the last packet, microseconds, before any shift
    std::int64_t last_written = INT64_MIN;  ///< the same in the movie's time base of the stream
    std::int64_t last_muxed = INT64_MIN;    ///< the same of the last one handed to the muxer, microseconds
    std::size_t restarts = 0;
    std::int64_t early = 0;  ///< by how much frames are decoded earlier than they say, so that none is shown before it
  };

  /// The time at which the movie begins, of the packets that are held; microseconds. Sets leaves_out_.
  [[nodiscard]] std::int64_t beginning();
  void close() noexcept;
  void set_fragments();
  /// With leaves_out_: fragments may begin when everything of it has been muxed.
  void note_muxed(std::size_t place, std::int64_t decode_time);
  Outcome put(std::size_t stream, Packet packet);
  Outcome mux(AVPacket& packet);
  /// What is added to the times of a packet, in microseconds.
  std::int64_t shift_for(Stream& stream, std::int64_t decode_time, std::int64_t presentation_time);
  // FFmpeg 7 made the bytes constant.
  using OutputByte = std::conditional_t<(LIBAVFORMAT_VERSION_MAJOR >= 61), const std::uint8_t, std::uint8_t>;
  void output(base::Bytes bytes);
  static int on_output(void* opaque, OutputByte* bytes, int size);

  Output output_;
  std::vector<Stream> streams_;
  std::deque<std::pair<std::size_t, Packet>> held_;
  std::size_t held_bytes_ = 0;
  AVFormatContext* context_ = nullptr;
  std::optional<std::int64_t> presentation_start_;  ///< microseconds
  bool leaves_out_ = false;                         ///< packets are shown before the movie begins
  bool fragments_set_ = false;
  bool header_written_ = false;       ///< with leaves_out_: "moov" is out
  base::ByteVector header_;           ///< until then
  std::vector<std::int64_t> shifts_;  ///< by how often a stream has started again
  std::int64_t end_ = 0;              ///< of the latest packet, microseconds of the movie
};

}  // namespace msquic_py::apps
