#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "loc/header_extensions.h"
#include "media/chunk_demuxer.h"
#include "media/frame_reader.h"
#include "media/movie_writer.h"
#include "moqt-sub/output_file.h"
#include "msf/track.h"

namespace msquic_py::apps {

/// Where received objects go: one file, or standard output.
///
/// Tracks of a catalog, and a single track of CMAF objects, become one fragmented MP4 (MovieWriter). When an encoder
/// was configured anew in a way that one MP4 can't hold, another one follows: "name-2.mp4" behind "name.mp4".
class Recording {
 public:
  using Clock = std::chrono::steady_clock;
  using Outcome = base::Result<void, std::string>;
  enum class Format {
    Auto,    ///< an MP4 when the first object begins one, else Raw
    Mp4,     ///< a fragmented MP4
    Framed,  ///< what moqt-pub --format framed reads
    Raw,     ///< payloads one after the other
  };
  using SourceId = std::size_t;

  /// `on_change` comes from another thread, see OutputFile::open().
  static base::Result<std::unique_ptr<Recording>, std::string> open(const std::string& path, Format format,
                                                                    std::function<void()> on_change);

  /// A single track, of which nothing is known before its first object.
  SourceId add_single();
  /// A track of a catalog.
  base::Result<SourceId, std::string> add_track(const msf::Track& track, base::Bytes initialization);
  /// The track is announced anew, by a publisher that was started again for example: other codecs, sizes, packaging.
  Outcome update_track(SourceId source, const msf::Track& track, base::Bytes initialization);
  /// Nothing more comes of this source for now: the movie does not wait for it.
  void end_source(SourceId source);

  struct Object {
    base::Bytes payload;
    const loc::HeaderExtensions& extensions;
    bool starts_group = false;
  };
  enum class Verdict {
    Taken,
    Useless,  ///< no decoder can begin with it
    Damaged,  ///< not what its packaging says, see complaint()
  };
  /// An error: nothing more can be written.
  base::Result<Verdict, std::string> write(SourceId source, const Object& object, Clock::time_point now);
  /// The payloads of this source go out as they are, whatever they are.
  [[nodiscard]] bool is_raw(SourceId source) const noexcept { return sources_[source].raw; }
  /// Why the last object was damaged.
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

  /// Begins the movie although a source has sent nothing yet, when that has been waited for long enough.
  Outcome tend(Clock::time_point now);
  /// Writes the rest. queued() tells when it is out.
  Outcome finish();

  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::optional<std::string> output_failure() const { return output_->failure(); }
  [[nodiscard]] std::chrono::microseconds length() const;
  /// What the user should know; once each.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

 private:
  /// How long the first packet waits for those of the other tracks: a late subscriber's first group may be far away.
  static constexpr std::chrono::seconds kPatience{10};
  static constexpr std::size_t kMostHeld = 128 * 1024 * 1024;

  struct Source {
    std::string name;
    bool single = false;
    bool raw = false;  ///< of a single one: its payloads go out as they are
    ChunkDemuxer chunks;
    std::optional<FrameReader> frames;  ///< LOC
    bool undescribed = false;           ///< only the next frame tells how it is coded
    std::vector<std::size_t> streams;   ///< in the movie
  };

  Recording(std::string path, Format format, std::function<void()> on_change)
      : path_(std::move(path)), format_(format), on_change_(std::move(on_change)) {}
  Outcome open_part();
  Outcome next_part();
  /// Gives the movie the streams of `source` as they are now.
  Outcome declare(Source& source);
  Outcome prepare(Source& source, const msf::Track& track, base::Bytes initialization);
  base::Result<Verdict, std::string> write_chunk(Source& source, base::Bytes payload);
  base::Result<Verdict, std::string> write_frame(Source& source, const Object& object);
  Outcome write_opaque(const Object& object);

  std::string path_;
  Format format_;
  std::function<void()> on_change_;
  std::size_t part_ = 1;
  std::chrono::microseconds earlier_parts_{0};
  std::optional<OutputFile> output_;
  std::vector<OutputFile> earlier_outputs_;  ///< they may still have something to write
  std::unique_ptr<MovieWriter> movie_;
  std::vector<Source> sources_;
  std::optional<Clock::time_point> first_packet_;
  std::string complaint_;
  std::vector<std::string> notes_;
  base::ByteVector scratch_;
};

}  // namespace msquic_py::apps
