#include "moqt-pub/media_input.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "command_line/logging.h"
#include "media/length_framed.h"
#include "media/packager.h"

namespace msquic_py::apps {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

std::vector<PackagerStream> streams_of(const Demuxer& demuxer) {
  std::vector<PackagerStream> streams;
  for (const auto& [source, video] : demuxer.streams()) {
    const AVDictionaryEntry* language = av_dict_get(source->metadata, "language", nullptr, 0);
    const AVRational rate = source->avg_frame_rate.num > 0 ? source->avg_frame_rate : source->r_frame_rate;
    streams.push_back({copy_of(*source->codecpar), source->time_base, rate,
                       language == nullptr || std::string(language->value) == "und" ? "" : language->value, video});
  }
  return streams;
}

}  // namespace

MediaInput::MediaInput(InputOptions options, std::function<void()> on_change) {
  queue_.on_change = std::move(on_change);
  thread_ = std::thread([&queue = queue_, options = std::move(options)] {
    std::string error = read(queue, options);
    {
      const std::lock_guard lock(queue.mutex);
      queue.end = {true, queue.interrupt.raised() ? std::string() : std::move(error)};
    }
    queue.on_change();
  });
}

MediaInput::~MediaInput() {
  stop_reading();
  thread_.join();
}

void MediaInput::stop_reading() {
  queue_.interrupt.raise();
  { const std::lock_guard lock(queue_.mutex); }
  queue_.room.notify_all();
}

bool MediaInput::Queue::push_tracks(std::vector<MediaTrack> next) {
  {
    std::unique_lock lock(mutex);
    room.wait(lock, [this] { return interrupt.raised() || (count == 0 && !tracks); });
    if (interrupt.raised()) return false;
    units.clear();
    units.resize(next.size());
    tracks = std::move(next);
  }
  on_change();
  return true;
}

bool MediaInput::Queue::push(MediaUnit unit) {
  {
    std::unique_lock lock(mutex);
    room.wait(lock, [this] {
      return interrupt.raised() || count == 0 || (count < kMaxQueuedUnits && bytes < kMaxQueuedBytes);
    });
    if (interrupt.raised()) return false;
    ++count;
    bytes += unit.bytes.size();
    units[unit.track].push_back(std::move(unit));
  }
  on_change();
  return true;
}

std::size_t MediaInput::Queue::first_due() const {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (units[i].empty()) continue;
    if (!first || units[i].front().time < units[*first].front().time) first = i;
  }
  return *first;
}

std::optional<std::vector<MediaTrack>> MediaInput::take_tracks() {
  std::optional<std::vector<MediaTrack>> taken;
  {
    const std::lock_guard lock(queue_.mutex);
    taken = std::exchange(queue_.tracks, std::nullopt);
  }
  queue_.room.notify_all();
  return taken;
}

std::optional<MediaInput::Next> MediaInput::next() const {
  const std::lock_guard lock(queue_.mutex);
  if (queue_.count == 0 || queue_.tracks) return std::nullopt;
  const MediaUnit& unit = queue_.units[queue_.first_due()].front();
  return Next{unit.time, unit.duration};
}

MediaUnit MediaInput::take() {
  MediaUnit unit;
  {
    const std::lock_guard lock(queue_.mutex);
    auto& units = queue_.units[queue_.first_due()];
    unit = std::move(units.front());
    units.pop_front();
    --queue_.count;
    queue_.bytes -= unit.bytes.size();
  }
  queue_.room.notify_one();
  return unit;
}

MediaInput::End MediaInput::end() const {
  const std::lock_guard lock(queue_.mutex);
  return queue_.count == 0 && !queue_.tracks ? queue_.end : End{};
}

std::string MediaInput::read(Queue& queue, const InputOptions& options) {
  try {
    return options.framed ? read_framed(queue, options) : read_media(queue, options);
  } catch (const std::exception& error) {  // out of memory
    return std::string("the input could not be read: ") + error.what();
  }
}

std::string MediaInput::read_media(Queue& queue, const InputOptions& options) {
  Packager packager(options.packaging,
                    {[&queue](std::vector<MediaTrack> tracks) { return queue.push_tracks(std::move(tracks)); },
                     [&queue](MediaUnit unit) { return queue.push(std::move(unit)); },
                     [](const std::string& warning) { log_warning(warning); }});
  const Packet packet = new_packet();
  do {
    auto demuxer = Demuxer::open(options.path, {options.input_format, options.follow}, queue.interrupt);
    if (!demuxer) return demuxer.error();
    bool any = false;
    for (bool more = true; more;) {
      for (const auto& stream : (*demuxer)->streams()) {
        if (!fits_into_mp4(*stream.source->codecpar)) {
          return std::string(avcodec_get_name(stream.source->codecpar->codec_id)) +
                 " can't go into CMAF: let it be encoded (--encode)";
        }
      }
      if (const std::size_t others = (*demuxer)->streams_passed_over(); others > 0)
        log_warning(std::to_string(others) + " stream(s) of the input are neither audio nor video and are left out");
      packager.begin(streams_of(**demuxer));
      std::size_t stream = 0;
      while ((*demuxer)->read(*packet, stream) == Demuxer::Step::Read) {
        any = true;
        auto pushed = packager.push(*packet, stream);
        if (!pushed) return pushed.error();
        if (!*pushed) return {};
      }
      auto ended = packager.end();
      if (!ended) return ended.error();
      if (!*ended) return {};
      auto next = (*demuxer)->next_movie();
      if (!next) return next.error();
      more = *next;
    }
    if (std::string damage = (*demuxer)->damage(); !damage.empty()) return damage;
    if (!any) return "the input has no frame";
  } while (options.loop && !queue.interrupt.raised());
  return {};
}

std::string MediaInput::read_framed(Queue& queue, const InputOptions& options) {
  if (!queue.push_tracks({MediaTrack{}})) return {};
  bool any = false;
  do {
    auto file = InputFile::open(options.path, options.follow, queue.interrupt);
    if (!file) return file.error();
    std::vector<std::uint8_t> chunk(kChunk);
    LengthFramedReader framed;
    for (;;) {
      const auto size = file->read(chunk);
      if (!size) return size.error();
      if (*size == 0) break;
      any = true;
      framed.push(base::Bytes(chunk).first(*size));
      for (;;) {
        auto next = framed.next();
        if (!next) return next.error();
        if (!next->has_value()) break;
        MediaUnit unit;
        unit.bytes = std::move((*next)->bytes);
        unit.starts_group = (*next)->starts_group;
        if (!queue.push(std::move(unit))) return {};
      }
    }
    if (!framed.at_boundary()) return "the input ends inside a frame";
  } while (options.loop && !queue.interrupt.raised());
  return any ? std::string() : "the input is empty: there is nothing to publish";
}

}  // namespace msquic_py::apps
