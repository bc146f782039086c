#include "media/packager.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "media/initialization.h"
#include "media/packet_times.h"
#include "media/stream_description.h"

namespace msquic_py::apps {
namespace {

constexpr AVRational kMicroseconds{1, 1'000'000};

std::uint32_t channels_of(const AVCodecParameters& codec) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(59, 24, 100)
  return static_cast<std::uint32_t>(codec.ch_layout.nb_channels);
#else
  return static_cast<std::uint32_t>(codec.channels);
#endif
}

Packager::Time in_microseconds(std::int64_t time, AVRational base) {
  return Packager::Time(av_rescale_q(time, base, kMicroseconds));
}

}  // namespace

struct Packager::Stream {
  Stream(PackagerStream stream, PacketTimes packet_times) : what(std::move(stream)), times(std::move(packet_times)) {}

  PackagerStream what;
  PacketTimes times;
  bool begun = false;                 ///< a packet that a decoder can begin with has come
  bool settled = false;               ///< a group of reordered frames has been seen
  std::size_t seen = 0;               ///< packets until then
  std::int64_t widest = 0;            ///< from decode time to being shown
  std::optional<std::int64_t> read;   ///< decode time of the last packet as it came
  std::deque<Packet> unshown;         ///< left out by an edit list, and nothing shown has followed yet
  bool unshown_cut = false;           ///< what no decoder needs of it is gone
  std::optional<std::int64_t> last;   ///< decode time of its last packet
  std::optional<std::size_t> output;  ///< nothing: it is left out
  std::size_t place = 0;              ///< among the streams of its output
  std::size_t undecodable = 0;        ///< packets before the first key frame
};

/// One track: what has been added since its last object.
struct Packager::Output {
  std::size_t track = 0;
  bool video = false;
  std::unique_ptr<ChunkMuxer> muxer;
  base::ByteVector config;  ///< LOC
  std::deque<Time> marks;   ///< where groups of the leading video begin that the audio has not come to yet
  std::optional<Time> group_start;
  std::size_t packets = 0;
  bool has_video = false;
  bool starts_group = false;
  Time time{0}, presentation{0}, end{0};
};

Packager::Packager(Packaging packaging, Sink sink) : packaging_(packaging), sink_(std::move(sink)) {}
Packager::~Packager() = default;

void Packager::begin(std::vector<PackagerStream> streams, bool edit_lists) {
  edit_lists_ = edit_lists;
  clock_.begin_again(streams.size());
  streams_.clear();
  for (PackagerStream& stream : streams) {
    PacketTimes times(*stream.codec, stream.time_base, stream.frame_rate);
    Stream added(std::move(stream), std::move(times));
    added.settled = !added.what.video || added.what.codec->video_delay == 0 || packaging_ == Packaging::Muxed;
    streams_.push_back(std::move(added));
  }
  outputs_.clear();
  gathering_.clear();
  started_ = false;
}

bool Packager::arrange(AVPacket& packet, std::size_t index) {
  Stream& stream = streams_[index];
  const AVRational base = stream.what.time_base;
  if (!stream.begun) {
    if (stream.what.video && (packet.flags & AV_PKT_FLAG_KEY) == 0) {
      ++stream.undecodable;
      return false;
    }
    stream.begun = true;
    if (stream.undecodable > 0)
      sink_.on_warning("the input begins in the middle of a picture group: " + std::to_string(stream.undecodable) +
                       " frames before its first key frame are left out");
  }
  const Time decoded = in_microseconds(packet.dts, base);
  const Time shift = lift_ + clock_.shift_for(index, decoded, in_microseconds(packet.duration, base));
  const std::int64_t ticks = av_rescale_q_rnd(shift.count(), kMicroseconds, base, AV_ROUND_UP);
  packet.pts += ticks;
  packet.dts += ticks;
  if (stream.last && packet.dts <= *stream.last) packet.dts = *stream.last + 1;  // an MP4 can't say otherwise
  packet.pts = std::max(packet.pts, packet.dts);
  stream.last = packet.dts;
  if (!stream.settled) {
    const std::int64_t wide = packet.pts - packet.dts;
    stream.settled = wide < stream.widest || ++stream.seen == kMostReordered;
    stream.widest = std::max(stream.widest, wide);
  }
  return true;
}

bool Packager::gathered() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const Stream& stream) { return stream.begun && stream.settled; }) ||
         gathering_.size() >= kMostGathered;
}

base::Result<bool, std::string> Packager::push(const AVPacket& packet, std::size_t stream) {
  if (packet.size == 0) return open_;
  std::deque<Packet>& unshown = streams_[stream].unshown;
  std::optional<std::int64_t>& read = streams_[stream].read;
  const bool rises = !read || packet.dts == AV_NOPTS_VALUE || packet.dts > *read;
  if (packet.dts != AV_NOPTS_VALUE) read = packet.dts;
  // Where fragments overlap, FFmpeg marks a packet as well, and no edit list has anything to do with it.
  if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0 && rises && unshown.size() < kMostUnshown) {
    keep_unshown(packet, stream);
    return open_;
  }
  for (; !unshown.empty(); unshown.pop_front()) {
    if (auto taken = take(*unshown.front(), stream); !taken || !*taken) return taken;
  }
  return take(packet, stream);
}

void Packager::keep_unshown(const AVPacket& packet, std::size_t index) {
  Stream& stream = streams_[index];
  if (packet.pts != AV_NOPTS_VALUE && stream.what.video) {
    if ((packet.flags & AV_PKT_FLAG_KEY) != 0) {
      stream.unshown_cut = stream.unshown_cut || !stream.unshown.empty();
      stream.unshown.clear();
    } else if (stream.unshown_cut && !stream.unshown.empty() && packet.pts < stream.unshown.front()->pts) {
      return;  // shown earlier than the key frame, it may build on what is gone
    }
  } else if (packet.pts != AV_NOPTS_VALUE) {
    const AVRational base = stream.what.time_base;
    while (!stream.unshown.empty() && in_microseconds(packet.pts - stream.unshown.front()->pts, base) > kMostUnheard)
      stream.unshown.pop_front();
  }
  stream.unshown.push_back(reference_to(packet));
}

base::Result<bool, std::string> Packager::take(const AVPacket& packet, std::size_t stream) {
  PacketTimes& times = streams_[stream].times;
  times.push(reference_to(packet));
  while (auto timed = times.take()) {
    if (auto handled = handle(std::move(*timed), stream); !handled) return base::Failure{handled.error()};
  }
  return open_;
}

Packager::Outcome Packager::handle(Packet packet, std::size_t stream) {
  if (!open_ || !arrange(*packet, stream)) return {};
  if (started_) return process(*packet, stream, false);
  gathering_.emplace_back(std::move(packet), stream);
  return gathered() ? start() : Outcome{};
}

Packager::Time Packager::lift_needed() const {
  if (edit_lists_) return Time{0};
  Time lowest{0};
  std::optional<Time> heard;
  bool any_video = false, delayed = false;
  std::vector<bool> begun(streams_.size());
  for (const auto& [packet, stream] : gathering_) {
    const PackagerStream& what = streams_[stream].what;
    const Time presented = in_microseconds(packet->pts, what.time_base);
    any_video = any_video || what.video;
    if (what.video) lowest = std::min(lowest, presented);
    if (what.video || begun[stream]) continue;
    begun[stream] = true;
    const std::uint32_t unheard = samples_to_skip(*packet);
    delayed = delayed || unheard > 0;
    const Time from = presented + in_microseconds(unheard, {1, std::max(what.codec->sample_rate, 1)});
    heard = std::min(heard.value_or(from), from);
  }
  // Some containers tell an encoder's delay as a number of samples alone, and count it as time (MP3), or round it.
  if (!any_video && delayed && *heard < kMostUnheard) return -*heard;
  return std::chrono::seconds((-lowest.count() + 999'999) / 1'000'000);
}

void Packager::lift() {
  const Time lift = lift_needed();
  lift_ += lift;
  for (const auto& [packet, stream] : gathering_) {
    const AVRational base = streams_[stream].what.time_base;
    const std::int64_t ticks = av_rescale_q_rnd(lift.count(), kMicroseconds, base, AV_ROUND_UP);
    packet->pts += ticks;
    packet->dts += ticks;
    streams_[stream].last = packet->dts;
  }
}

Packager::Outcome Packager::start() {
  started_ = true;
  lift();
  // Times below 0 (B-frames, an encoder's delay, edits) can't be written: all tracks are raised by whole seconds, which
  // every timescale has.
  Time lowest{0};
  std::vector<const AVPacket*> first(streams_.size(), nullptr);
  for (const auto& [packet, stream] : gathering_) {
    if (first[stream] == nullptr) first[stream] = packet.get();
    lowest = std::min(lowest, in_microseconds(packet->dts, streams_[stream].what.time_base));
  }
  // A movie that goes on with the tracks of the one before keeps what their initialization segments say.
  raise_seconds_ = std::max(raise_seconds_, (-lowest.count() + 999'999) / 1'000'000);

  std::vector<std::size_t> used;
  leading_video_.reset();
  any_video_ = false;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (first[i] == nullptr) {
      sink_.on_warning(std::string("a stream of the input (") + avcodec_get_name(streams_[i].what.codec->codec_id) +
                       ") shows no frame to begin with and is left out");
      continue;
    }
    const AVStream* source = streams_[i].what.source;
    if (packaging_ == Packaging::Loc && streams_[i].what.video && source != nullptr && is_turned(*source))
      sink_.on_warning("the pictures of the input are to be turned, which LOC has no place for: --packaging cmaf has");
    if (streams_[i].what.video && !leading_video_) leading_video_ = i;
    any_video_ = any_video_ || streams_[i].what.video;
    used.push_back(i);
  }
  const auto add_output = [&](const std::vector<std::size_t>& members) -> Outcome {
    auto output = std::make_unique<Output>();
    std::vector<ChunkStream> muxed;
    std::vector<const AVPacket*> packets;
    for (const std::size_t i : members) {
      const PackagerStream& what = streams_[i].what;
      muxed.push_back({what.codec.get(), what.time_base, what.frame_rate, what.language, what.source});
      packets.push_back(first[i]);
      streams_[i].output = outputs_.size();
      streams_[i].place = packets.size() - 1;
      output->video = output->video || what.video;
    }
    auto muxer = ChunkMuxer::create(muxed, packets, raise_seconds_);
    if (!muxer) return base::Failure{muxer.error()};
    output->muxer = std::move(muxer).value();
    output->track = outputs_.size();
    outputs_.push_back(std::move(output));
    return {};
  };
  std::vector<MediaTrack> tracks;
  if (packaging_ == Packaging::Muxed) {
    if (auto added = add_output(used); !added) return added;
    tracks.push_back(describe(*outputs_[0], leading_video_.value_or(used.front())));
  } else {
    for (const std::size_t i : used) {
      if (auto added = add_output({i}); !added) return added;
      tracks.push_back(describe(*outputs_.back(), i));
      if (packaging_ == Packaging::Loc) outputs_.back()->config = tracks.back().initialization;
    }
  }
  if (tracks != tracks_) {
    tracks_ = tracks;
    if (!sink_.on_tracks(std::move(tracks))) open_ = false;
  }
  while (!gathering_.empty() && open_) {
    const auto [packet, stream] = std::move(gathering_.front());
    gathering_.pop_front();
    if (!streams_[stream].output) continue;
    if (auto done = process(*packet, stream, packet.get() == first[stream]); !done) return done;
  }
  return {};
}

MediaTrack Packager::describe(const Output& output, std::size_t stream) const {
  const PackagerStream& what = streams_[stream].what;
  MediaTrack track;
  track.video = what.video;
  track.initialization = output.muxer->initialization();
  track.timescale = output.muxer->timescale(streams_[stream].place);
  if (auto entry = read_sample_entry(track.initialization)) {
    track.codec = std::move(entry->codec);
    if (packaging_ == Packaging::Loc) track.initialization = std::move(entry->configuration);
  }
  if (what.video) {
    track.width = static_cast<std::uint32_t>(what.codec->width);
    track.height = static_cast<std::uint32_t>(what.codec->height);
    if (what.frame_rate.num > 0) track.frame_rate = std::round(av_q2d(what.frame_rate) * 1000) / 1000;
  } else {
    track.sample_rate = static_cast<std::uint32_t>(what.codec->sample_rate);
    track.channels = channels_of(*what.codec);
  }
  track.bit_rate = what.codec->bit_rate > 0 ? static_cast<std::uint64_t>(what.codec->bit_rate) : 0;
  track.language = what.language;
  return track;
}

bool Packager::starts_audio_group(Output& output, Time begin, Time end) {
  if (!output.group_start) return true;
  if (!any_video_) return begin - *output.group_start >= kAudioGroup;
  bool starts = false;
  for (; !output.marks.empty() && end > output.marks.front(); output.marks.pop_front()) starts = true;
  return starts;
}

Packager::Outcome Packager::process(const AVPacket& packet, std::size_t index, bool added) {
  const Stream& stream = streams_[index];
  if (!stream.output) return {};
  Output& output = *outputs_[*stream.output];
  const Time begin = in_microseconds(packet.dts, stream.what.time_base);
  const Time presented = in_microseconds(packet.pts, stream.what.time_base);
  const Time end = begin + in_microseconds(packet.duration, stream.what.time_base);
  const bool key = stream.what.video && (packet.flags & AV_PKT_FLAG_KEY) != 0;

  if (key && leading_video_ == index && packaging_ != Packaging::Muxed && output.group_start) {
    for (const auto& other : outputs_) {
      if (!other->video) other->marks.push_back(presented);
    }
  }
  bool starts = false;
  if (packaging_ == Packaging::Muxed && any_video_) {
    starts = key && leading_video_ == index;
    // An object has one frame of video and the audio before it; audio ahead of the first frame goes with it.
    if (stream.what.video && (output.has_video || (starts && output.group_start))) {
      if (auto emitted = emit(output); !emitted) return emitted;
    }
  } else {
    starts = stream.what.video ? key : starts_audio_group(output, begin, end);
    if (starts && output.packets > 0) {
      if (auto emitted = emit(output); !emitted) return emitted;
    }
  }
  if (!added) {
    if (auto done = output.muxer->add(packet, stream.place); !done) return done;
  }
  if (output.packets++ == 0 || (stream.what.video && !output.has_video)) {
    output.time = begin;
    output.presentation = presented;
    output.end = end;
  }
  output.end = std::max(output.end, end);
  output.has_video = output.has_video || stream.what.video;
  if (starts) {
    output.starts_group = true;
    output.group_start = begin;
  }
  const bool whole = packaging_ == Packaging::Loc || (packaging_ == Packaging::Cmaf && stream.what.video) ||
                     (!output.video && output.end - output.time >= kAudioObject);
  return whole ? emit(output) : Outcome{};
}

Packager::Outcome Packager::emit(Output& output) {
  if (output.packets == 0) return {};
  auto chunk = output.muxer->take_chunk();
  if (!chunk) return base::Failure{chunk.error()};
  output.packets = 0;
  if (chunk->empty()) return {};  // its packets were part of the first object
  MediaUnit unit;
  unit.track = output.track;
  unit.starts_group = output.starts_group;
  unit.time = output.time;
  unit.duration = output.end - output.time;
  if (packaging_ != Packaging::Muxed) unit.presentation_time = output.presentation;
  if (packaging_ == Packaging::Loc) {
    if (output.presentation < Time{0}) unit.presentation_start = Time{0};
    const base::Bytes frame = media_data(*chunk);
    unit.bytes.assign(frame.begin(), frame.end());
    if (output.starts_group) (output.video ? unit.video_config : unit.audio_config) = output.config;
  } else {
    if (packaging_ == Packaging::Muxed && output.starts_group) unit.bytes = output.muxer->initialization();
    unit.bytes.insert(unit.bytes.end(), chunk->begin(), chunk->end());
  }
  output.has_video = false;
  output.starts_group = false;
  if (!sink_.on_unit(std::move(unit))) open_ = false;
  return {};
}

base::Result<bool, std::string> Packager::end() {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].times.end();
    while (auto timed = streams_[i].times.take()) {
      if (auto handled = handle(std::move(*timed), i); !handled) return base::Failure{handled.error()};
    }
  }
  if (!started_ && !gathering_.empty()) {
    if (auto outcome = start(); !outcome) return base::Failure{outcome.error()};
  }
  for (const auto& output : outputs_) {
    if (!open_) break;
    if (auto emitted = emit(*output); !emitted) return base::Failure{emitted.error()};
  }
  return open_;
}

}  // namespace msquic_py::apps
