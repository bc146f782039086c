#include "moqt-pub/media_input.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "command_line/logging.h"
#include "media/box.h"
#include "media/length_framed.h"
#include "media/transcoder.h"

namespace msquic_py::apps {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

/// A box that an MP4 begins with. As length-framed objects these bytes would be a small object called "ftyp".
bool looks_like_mp4(base::Bytes bytes) {
  const auto header = read_box_header(bytes);
  if (!header) return false;
  for (const std::uint32_t type : {four_cc("ftyp"), four_cc("styp"), four_cc("moov"), four_cc("moof"), four_cc("mdat"),
                                   four_cc("sidx"), four_cc("free"), four_cc("skip"), four_cc("wide")}) {
    if (header->type == type) return true;
  }
  return false;
}

PackagerStream stream_of(const Demuxer::Stream& stream) {
  const AVStream& source = *stream.source;
  const AVDictionaryEntry* language = av_dict_get(source.metadata, "language", nullptr, 0);
  const AVRational rate = source.avg_frame_rate.num > 0 ? source.avg_frame_rate : source.r_frame_rate;
  return {copy_of(*source.codecpar),
          source.time_base,
          rate,
          language == nullptr || std::string(language->value) == "und" ? "" : language->value,
          stream.video,
          &source};
}

}  // namespace

MediaInput::MediaInput(InputOptions options, std::function<void()> on_change) {
  queue_.on_change = std::move(on_change);
  thread_ = std::thread([&queue = queue_, options = std::move(options)] {
    std::string error = read(queue, options);
    {
      const std::lock_guard lock(queue.mutex);
      if (queue.interrupt.raised()) error.clear();
      if (!error.empty() && queue.count > 0) log_warning(error + "; what came before that is published first");
      queue.end = {true, std::move(error)};
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

std::chrono::microseconds MediaInput::reordering() const {
  const std::lock_guard lock(queue_.mutex);
  std::chrono::microseconds most{0};
  for (const auto& units : queue_.units) {
    for (const MediaUnit& unit : units) {
      if (unit.time && unit.presentation_time) most = std::max(most, *unit.presentation_time - *unit.time);
    }
  }
  return most;
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
  do {
    auto demuxer =
        Demuxer::open(options.path, {options.input_format, options.input_options, options.follow}, queue.interrupt);
    if (!demuxer) return demuxer.error();
    for (bool more = true; more;) {
      auto read = read_movie(**demuxer, packager, options);
      if (!read) return read.error();
      if (!*read) return {};
      auto next = (*demuxer)->next_movie();
      if (!next) return next.error();
      more = *next;
    }
    if ((*demuxer)->sender_has_gone())
      log_warning("the sender of '" + options.path +
                  "' has ended the connection, or was lost: its protocol doesn't say");
    if (std::string damage = (*demuxer)->damage(); !damage.empty()) return damage;
    if (!packager.has_tracks()) return "the input has no frame that a decoder could begin with";
  } while (options.loop && !queue.interrupt.raised());
  return {};
}

base::Result<bool, std::string> MediaInput::read_movie(Demuxer& demuxer, Packager& packager,
                                                       const InputOptions& options) {
  if (const std::size_t others = demuxer.streams_passed_over(); others > 0)
    log_warning(std::to_string(others) + " stream(s) of the input are neither audio nor video and are left out");
  std::vector<PackagerStream> streams;
  std::vector<std::unique_ptr<Transcoder>> transcoders;
  for (const Demuxer::Stream& source : demuxer.streams()) {
    PackagerStream stream = stream_of(source);
    std::unique_ptr<Transcoder> transcoder;
    const AVCodecParameters& codec = *source.source->codecpar;
    const std::string name = avcodec_get_name(codec.codec_id);
    const bool fits = fits_into_mp4(codec) && !source.several_pieces;
    if (source.several_pieces && options.encode == Encode::Nothing) {
      return base::Failure{"the edit list of the input's " + std::string(source.video ? "video" : "sound") +
                           " strings together several pieces, which tracks can't express: let it be encoded with "
                           "--encode"};
    }
    if (!fits && options.encode == Encode::Nothing)
      return base::Failure{name + " can't go into CMAF as it is: let it be encoded with --encode"};
    if (options.encode == Encode::All || !fits) {
      auto made = Transcoder::create(codec, stream.time_base, stream.frame_rate);
      if (!made) return base::Failure{"the " + name + " of the input can't be encoded: " + made.error()};
      transcoder = std::move(made).value();
      stream.codec = transcoder->codec();
      stream.source = nullptr;
      stream.time_base = transcoder->time_base();
    }
    transcoders.push_back(std::move(transcoder));
    streams.push_back(std::move(stream));
  }
  packager.begin(std::move(streams), demuxer.has_edit_lists());
  const auto into = [&packager](std::size_t stream) {
    return [&packager, stream](AVPacket& encoded) { return packager.push(encoded, stream); };
  };
  const Packet packet = new_packet();
  std::size_t stream = 0;
  while (demuxer.read(*packet, stream) == Demuxer::Step::Read) {
    auto pushed =
        transcoders[stream] ? transcoders[stream]->push(packet.get(), into(stream)) : packager.push(*packet, stream);
    if (!pushed || !*pushed) return pushed;
  }
  std::uint64_t undecodable = 0;
  for (std::size_t i = 0; i < transcoders.size(); ++i) {
    if (!transcoders[i]) continue;
    auto pushed = transcoders[i]->push(nullptr, into(i));
    if (!pushed || !*pushed) return pushed;
    undecodable += transcoders[i]->undecodable();
  }
  if (undecodable > 0) log_warning(std::to_string(undecodable) + " frames of the input could not be decoded");
  return packager.end();
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
      if (!std::exchange(any, true) && looks_like_mp4(base::Bytes(chunk).first(*size))) {
        return "the input is an MP4, not length-framed objects: leave --format framed out";
      }
      framed.push(base::Bytes(chunk).first(*size));
      for (;;) {
        auto next = framed.next();
        if (!next) return "the input is not length-framed: " + next.error() + "; media go without --format framed";
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
