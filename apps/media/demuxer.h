#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "media/interrupt.h"
#include "media/libav.h"
#include "media/movie_bytes.h"

namespace msquic_py::apps {

struct DemuxerOptions {
  std::string format;  ///< FFmpeg's name of the input format or device; empty: found out
  std::vector<std::pair<std::string, std::string>> options;  ///< FFmpeg's, of the format, the device or the protocol
  bool follow = false;                                       ///< the end of a regular file is not the end
};

/// The audio and video packets of an input, in the order in which they are stored. Reads whatever FFmpeg's libavformat
/// reads: files and pipes by our own InputFile, which any interrupt ends at once, and URLs and devices by FFmpeg.
class Demuxer {
 public:
  struct Stream {
    const AVStream* source = nullptr;
    bool video = false;
    /// Its edit list strings together several pieces of it (MP4): FFmpeg reads them one after the other, but a decoder
    /// alone can tell where each begins and ends.
    bool several_pieces = false;
    std::int64_t read_until = 0;   ///< the end of its last packet, in its time base
    std::int64_t last_packet = 0;  ///< how long that is
  };
  enum class Step { Read, End };

  /// `input` is a file's name, "-" for standard input, or a URL; with `format` whatever that takes. A name that exists
  /// as a file is a file, colons or not. `interrupt` must outlive the demuxer.
  static base::Result<std::unique_ptr<Demuxer>, std::string> open(const std::string& input,
                                                                  const DemuxerOptions& options,
                                                                  const Interrupt& interrupt);
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;
  ~Demuxer();

  /// Audio and video; everything else in the input is passed over.
  [[nodiscard]] const std::vector<Stream>& streams() const noexcept { return streams_; }
  /// The next packet of one of streams(); `stream` is its place there.
  Step read(AVPacket& packet, std::size_t& stream);
  /// After End: another movie follows in the same input, with streams of its own. False when not.
  base::Result<bool, std::string> next_movie();
  /// What is wrong with the input as far as it was read; empty when nothing.
  [[nodiscard]] std::string damage() const;
  /// The sender at the other end of a live connection has gone; its protocol doesn't tell an end from a loss.
  [[nodiscard]] bool sender_has_gone() const noexcept { return sender_has_gone_; }
  /// How long the movie is, where its container says so.
  [[nodiscard]] std::optional<double> duration_seconds() const;
  /// What the input leaves out of its presentation has a time below 0, and is there for decoders alone (MP4).
  [[nodiscard]] bool has_edit_lists() const noexcept;
  /// Streams that are neither audio nor video.
  [[nodiscard]] std::size_t streams_passed_over() const noexcept { return passed_over_; }

 private:
  Demuxer(std::string name, DemuxerOptions options, const Interrupt& interrupt)
      : name_(std::move(name)), options_(std::move(options)), interrupt_(interrupt) {}
  /// Opens the present movie of `bytes_`, or the URL or device.
  base::Result<void, std::string> open_context(const std::string& url);
  void close_context();
  [[nodiscard]] std::string why_not_opened(int error) const;
  [[nodiscard]] bool index_is_out_of_reach() const;
  [[nodiscard]] bool plausible(const AVPacket& packet) const;
  /// Whether a stream ends before the header of its container says: of FLAC, AIFF and MP3 nothing else tells that they
  /// are cut.
  [[nodiscard]] bool ends_early() const;

  std::string name_;  ///< as messages name the input
  DemuxerOptions options_;
  const Interrupt& interrupt_;
  std::optional<MovieBytes> bytes_;  ///< nothing: FFmpeg reads by itself
  AVIOContext* io_ = nullptr;
  AVFormatContext* context_ = nullptr;
  std::vector<Stream> streams_;
  std::vector<int> places_;  ///< of the container's streams in streams_; -1: passed over
  std::size_t passed_over_ = 0;
  std::string damage_;
  bool live_connection_ = false;
  bool sender_has_gone_ = false;
};

}  // namespace msquic_py::apps
