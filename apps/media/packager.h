#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/chunk_muxer.h"
#include "media/libav.h"
#include "media/media_clock.h"
#include "media/media_unit.h"

namespace msquic_py::apps {

/// A stream of packets, as a demultiplexer or an encoder gives it.
struct PackagerStream {
  CodecParameters codec;
  AVRational time_base{0, 1};
  AVRational frame_rate{0, 1};
  std::string language;
  bool video = false;
  /// Where more is said of it, such as how it is turned; lives as long as the movie. Null: nothing more is known.
  const AVStream* source = nullptr;
};

/// Makes objects and groups of packets. A group begins at each key frame of a video track; audio follows the groups of
/// the first video track, or begins one each second where there is none. Nothing comes out until every stream has
/// shown its first packet, because only then everything can be said of all tracks.
class Packager {
 public:
  using Time = std::chrono::microseconds;
  using Outcome = base::Result<void, std::string>;
  /// Both return false when nobody wants more.
  struct Sink {
    std::function<bool(std::vector<MediaTrack>)> on_tracks;  ///< before their units; again when they have changed
    std::function<bool(MediaUnit)> on_unit;
    std::function<void(std::string)> on_warning;
  };

  Packager(Packaging packaging, Sink sink);
  ~Packager();

  /// A movie begins. When its tracks are those of the one before, they go on. `edit_lists`: packets below time 0 are
  /// there for decoders alone; without, they are shown like all others.
  void begin(std::vector<PackagerStream> streams, bool edit_lists);
  /// A packet of the movie, in its stream's time base. False when nobody wants more.
  base::Result<bool, std::string> push(const AVPacket& packet, std::size_t stream);
  /// Whether any frame has come out, of this movie or one before.
  [[nodiscard]] bool has_tracks() const noexcept { return !tracks_.empty(); }
  /// The movie is over: what is left comes out.
  base::Result<bool, std::string> end();

 private:
  struct Stream;
  struct Output;
  static constexpr std::size_t kMostGathered = 1000;  ///< packets that wait for a stream without any
  static constexpr std::size_t kMostUnshown = 1000;   ///< packets that wait for one that is shown
  /// Of sound that is not heard: more than any decoder needs to be as it would be without a beginning.
  static constexpr Time kMostUnheard = std::chrono::seconds(1);
  static constexpr std::size_t kMostReordered = 16;  ///< frames after which a group of reordered ones has been seen
  static constexpr Time kAudioObject = std::chrono::milliseconds(100);
  static constexpr Time kAudioGroup = std::chrono::seconds(1);

  base::Result<bool, std::string> take(const AVPacket& packet, std::size_t stream);
  /// A packet that is not shown, until one is: decoders need it, or at least some of those before it.
  void keep_unshown(const AVPacket& packet, std::size_t stream);
  /// A packet whose times are known.
  Outcome handle(Packet packet, std::size_t stream);
  /// Gives the packet its place on the clock. False: it is of no use.
  bool arrange(AVPacket& packet, std::size_t stream);
  /// Every stream has begun, and it is known how far a frame is shown behind its decode time.
  [[nodiscard]] bool gathered() const;
  /// By how much to raise everything: to where no picture is shown below 0 (whole seconds), or where sound alone begins
  /// to be heard at 0.
  [[nodiscard]] Time lift_needed() const;
  /// Raises what was gathered, and all that follows.
  void lift();
  Outcome start();
  [[nodiscard]] MediaTrack describe(const Output& output, std::size_t stream) const;
  Outcome process(const AVPacket& packet, std::size_t stream, bool added);
  [[nodiscard]] bool starts_audio_group(Output& output, Time begin, Time end);
  Outcome emit(Output& output);

  Packaging packaging_;
  Sink sink_;
  bool open_ = true;  ///< somebody wants more
  bool edit_lists_ = false;
  Time lift_{0};
  std::int64_t raise_seconds_ = 0;
  MediaClock clock_{0};
  std::vector<Stream> streams_;
  std::vector<std::unique_ptr<Output>> outputs_;
  std::vector<MediaTrack> tracks_;
  std::deque<std::pair<Packet, std::size_t>> gathering_;
  bool started_ = false;
  std::optional<std::size_t> leading_video_;  ///< its groups are those of the audio
  bool any_video_ = false;
};

}  // namespace msquic_py::apps
