#include "moqt-pub/media_input.h"

#include <utility>
#include <vector>

#include "media/cmaf_splitter.h"
#include "media/length_framed.h"

namespace msquic_py::apps {
namespace {

constexpr std::size_t kChunk = 64 * 1024;
/// Not a message: the input is an MP4 whose samples are not in fragments.
constexpr const char* kProgressive = "progressive";

/// The initialization segment goes in front of each group's first fragment, so that a late subscriber can play.
MediaUnit unit_of(CmafFragment fragment, base::Bytes initialization) {
  MediaUnit unit;
  unit.starts_group = fragment.starts_group;
  unit.media_time = fragment.decode_time;
  if (fragment.starts_group) unit.bytes.assign(initialization.begin(), initialization.end());
  unit.bytes.insert(unit.bytes.end(), fragment.bytes.begin(), fragment.bytes.end());
  return unit;
}

}  // namespace

MediaInput::MediaInput(std::string path, Format format, std::function<void()> on_change)
    : queue_(std::make_shared<Queue>()), from_standard_input_(path == "-") {
  queue_->on_change = std::move(on_change);
  thread_ = std::thread([queue = queue_, path = std::move(path), format] {
    std::string error = read(*queue, path, format);
    const std::lock_guard lock(queue->mutex);
    queue->end = {true, std::move(error)};
    if (!queue->stopping) queue->on_change();
  });
}

MediaInput::~MediaInput() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->stopping = true;
  }
  queue_->room.notify_all();
  if (from_standard_input_) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

bool MediaInput::Queue::push(MediaUnit unit) {
  std::unique_lock lock(mutex);
  room.wait(lock, [this] { return stopping || units.size() < kMaxQueuedUnits; });
  if (stopping) return false;
  units.push_back(std::move(unit));
  on_change();
  return true;
}

std::optional<std::optional<std::chrono::microseconds>> MediaInput::next_time() const {
  const std::lock_guard lock(queue_->mutex);
  if (queue_->units.empty()) return std::nullopt;
  return queue_->units.front().media_time;
}

MediaUnit MediaInput::take() {
  MediaUnit unit;
  {
    const std::lock_guard lock(queue_->mutex);
    unit = std::move(queue_->units.front());
    queue_->units.pop_front();
  }
  queue_->room.notify_one();
  return unit;
}

MediaInput::End MediaInput::end() const {
  const std::lock_guard lock(queue_->mutex);
  return queue_->units.empty() ? queue_->end : End{};
}

std::string MediaInput::read(Queue& queue, const std::string& path, Format format) {
  if (path == "-") {
    ByteSource source = ByteSource::standard_input();
    std::string error = read_source(queue, source, format);
    if (error == kProgressive)
      return "standard input is a progressive MP4: send a fragmented one (ffmpeg -movflags +cmaf)";
    return error;
  }
  auto source = ByteSource::file(path);
  if (!source) return source.error();
  std::string error = read_source(queue, *source, format);
  return error == kProgressive ? remultiplex(queue, path) : error;
}

std::string MediaInput::remultiplex(Queue& queue, const std::string& path) {
  auto ffmpeg = ByteSource::program({"ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-movflags",
                                     "+cmaf+frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"});
  if (!ffmpeg) return "'" + path + "' is a progressive MP4; to cut it into fragments, " + ffmpeg.error();
  std::string error = read_source(queue, *ffmpeg, Format::Cmaf);
  {
    const std::lock_guard lock(queue.mutex);
    if (queue.stopping) return {};  // ffmpeg may be waiting for a reader: it is ended, not waited for
  }
  if (error.empty() && !ffmpeg->finish()) error = "ffmpeg could not cut '" + path + "' into fragments";
  return error;
}

std::string MediaInput::read_source(Queue& queue, ByteSource& source, Format format) {
  std::vector<std::uint8_t> chunk(kChunk);
  base::ByteVector beginning;  // kept only until the format is known
  CmafSplitter splitter;
  LengthFramedReader framed;
  bool any_fragment = false;
  while (const std::size_t size = source.read(chunk)) {
    base::Bytes bytes(chunk.data(), size);
    if (format == Format::Auto) {
      beginning.insert(beginning.end(), bytes.begin(), bytes.end());
      if (beginning.size() < 8) continue;
      format = base::as_text(base::Bytes(beginning).subspan(4, 4)) == "ftyp" ? Format::Cmaf : Format::Framed;
      bytes = beginning;
    }
    if (format == Format::Cmaf) {
      splitter.push(bytes);
      for (;;) {
        auto next = splitter.next();
        if (!next) return splitter.is_progressive() ? kProgressive : next.error();
        if (!next->has_value()) break;
        any_fragment = true;
        if (!queue.push(unit_of(std::move(**next), splitter.initialization()))) return {};
      }
    } else {
      framed.push(bytes);
      for (;;) {
        auto next = framed.next();
        if (!next) return next.error();
        if (!next->has_value()) break;
        if (!queue.push({std::move((*next)->bytes), (*next)->starts_group, std::nullopt})) return {};
      }
    }
  }
  if (format == Format::Framed && !framed.at_boundary()) return "the input ends inside a frame";
  if (format == Format::Auto) return beginning.empty() ? "the input is empty" : "the input is too short to be media";
  if (format == Format::Cmaf && !any_fragment) return "the input has no media fragment";
  return {};
}

}  // namespace msquic_py::apps
