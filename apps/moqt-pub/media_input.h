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

#include "base/bytes.h"
#include "moqt-pub/byte_source.h"

namespace msquic_py::apps {

/// One object's worth of input.
struct MediaUnit {
  base::ByteVector bytes;
  bool starts_group = false;
  std::optional<std::chrono::microseconds> media_time;  ///< where the format knows it
};

/// Reads a file or standard input on a thread of its own and cuts it into units. The queue is bounded: the thread
/// waits while the publisher is behind.
class MediaInput {
 public:
  enum class Format { Auto, Cmaf, Framed };
  struct End {
    bool reached = false;
    std::string error;  ///< empty: the input ended as it should
  };

  /// `path` "-" is standard input. A progressive MP4 file is remultiplexed by ffmpeg, which must be installed then.
  /// `on_change` is called on the reading thread whenever there may be something new; it must not call back.
  MediaInput(std::string path, Format format, std::function<void()> on_change);
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput();

  /// The media time of the next unit; nothing inside when the format has none. Nothing at all when no unit is there.
  [[nodiscard]] std::optional<std::optional<std::chrono::microseconds>> next_time() const;
  /// Removes the next unit. Only after next_time() said that there is one.
  MediaUnit take();
  /// Whether the input is over and every unit was taken.
  [[nodiscard]] End end() const;

 private:
  static constexpr std::size_t kMaxQueuedUnits = 64;

  /// Shared with the reading thread, which may outlive the MediaInput: nothing wakes it from standard input.
  struct Queue {
    std::mutex mutex;
    std::condition_variable room;
    std::deque<MediaUnit> units;
    End end;
    bool stopping = false;
    std::function<void()> on_change;
    /// False when nobody wants more.
    bool push(MediaUnit unit);
  };
  static std::string read(Queue& queue, const std::string& path, Format format);
  static std::string read_source(Queue& queue, ByteSource& source, Format format);
  static std::string remultiplex(Queue& queue, const std::string& path);

  std::shared_ptr<Queue> queue_;
  bool from_standard_input_;
  std::thread thread_;
};

}  // namespace msquic_py::apps
