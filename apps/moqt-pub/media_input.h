#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "media/demuxer.h"
#include "media/interrupt.h"
#include "media/media_unit.h"
#include "media/packager.h"

namespace msquic_py::apps {

/// What is encoded anew.
enum class Encode {
  Nothing,
  Needed,  ///< what CMAF can't hold
  All,
};

struct InputOptions {
  std::string path = "-";    ///< a file, a URL, or "-" for standard input
  bool framed = false;       ///< length-framed objects instead of media
  std::string input_format;  ///< FFmpeg's name of the format or device; empty: found out
  std::vector<std::pair<std::string, std::string>> input_options;  ///< FFmpeg's, for the input
  Packaging packaging = Packaging::Cmaf;
  bool follow = false;  ///< go on when a file grows
  bool loop = false;    ///< begin again at the end
  Encode encode = Encode::Nothing;
};

/// Reads an input on a thread of its own and cuts it into objects. The queue is bounded: the thread waits while the
/// publisher is behind.
class MediaInput {
 public:
  struct End {
    bool reached = false;
    std::string error;  ///< empty: the input ended as it should
  };
  /// The unit that is due next.
  struct Next {
    std::optional<std::chrono::microseconds> time;
    std::chrono::microseconds duration{0};
  };

  /// `on_change` is called on the reading thread whenever there may be something new; it must not call back.
  MediaInput(InputOptions options, std::function<void()> on_change);
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput();

  /// The tracks of the units that follow, once; before the first unit, and when they have changed. Every unit of the
  /// tracks before has been taken then.
  std::optional<std::vector<MediaTrack>> take_tracks();
  /// Of all tracks the unit that is due first; nothing when none is there, or the tracks have to be taken first.
  [[nodiscard]] std::optional<Next> next() const;
  /// The most that a unit in the queue is shown behind its decode time.
  [[nodiscard]] std::chrono::microseconds reordering() const;
  /// Removes that unit. Only after next() said that there is one.
  MediaUnit take();
  /// Whether the input is over and everything was taken.
  [[nodiscard]] End end() const;
  /// The thread reads no more. What is in the queue may still be taken.
  void stop_reading();

 private:
  static constexpr std::size_t kMaxQueuedUnits = 512;
  static constexpr std::size_t kMaxQueuedBytes = 32 * 1024 * 1024;

  struct Queue {
    mutable std::mutex mutex;
    std::condition_variable room;
    std::optional<std::vector<MediaTrack>> tracks;
    std::vector<std::deque<MediaUnit>> units;  ///< of each track
    std::size_t count = 0;
    std::size_t bytes = 0;
    End end;
    std::function<void()> on_change;
    Interrupt interrupt;

    // False when nobody wants more.
    bool push_tracks(std::vector<MediaTrack> next);
    bool push(MediaUnit unit);
    /// The track whose first unit is due first. `count` is not 0.
    [[nodiscard]] std::size_t first_due() const;
  };
  static std::string read(Queue& queue, const InputOptions& options);
  static std::string read_media(Queue& queue, const InputOptions& options);
  /// One movie of the input. False when nobody wants more.
  static base::Result<bool, std::string> read_movie(Demuxer& demuxer, Packager& packager, const InputOptions& options);
  static std::string read_framed(Queue& queue, const InputOptions& options);

  Queue queue_;
  std::thread thread_;
};

}  // namespace msquic_py::apps
