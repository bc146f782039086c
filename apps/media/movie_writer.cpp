#include "media/movie_writer.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

#include "media/box.h"
#include "media/initialization.h"
#include "media/reorder.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace msquic_py::apps {
namespace {

constexpr AVRational kMicroseconds{1, 1'000'000};
/// A decode time that is this much earlier than the one before, or this much later, belongs to an encoder that was
/// started again. (MP4 has no room for a frame of more than half an hour, in microseconds.)
constexpr std::int64_t kBack = 500'000;
constexpr std::int64_t kAhead = 600'000'000;
/// The most that an encoder of sound is late with what it was given, in microseconds.
constexpr std::int64_t kEncoderDelay = 100'000;
/// How far behind its beginning a movie has fragments although a track has not come so far.
constexpr std::int64_t kMostUnfragmented = 5'000'000;

std::int64_t microseconds(std::int64_t time, AVRational base) { return av_rescale_q(time, base, kMicroseconds); }

std::string failure(const std::string& what, int error) {
  const std::string complaint = take_libav_complaint();
  return what + ": " + (complaint.empty() ? libav_error(error) : complaint);
}

/// The pixel format of VP9, without which no "vpcC" box can be written: the frame itself has it, its container has not.
void find_pixel_format(AVCodecParameters& parameters, const AVPacket& key_frame) {
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  CodecContext context(codec != nullptr ? avcodec_alloc_context3(codec) : nullptr);
  if (!context || avcodec_parameters_to_context(context.get(), &parameters) < 0) return;
  context->thread_count = 1;
  if (avcodec_open2(context.get(), codec, nullptr) < 0 || avcodec_send_packet(context.get(), &key_frame) < 0) return;
  const Frame frame = new_frame();
  if (avcodec_receive_frame(context.get(), frame.get()) < 0) return;
  parameters.format = frame->format;
  if (parameters.profile < 0) parameters.profile = context->profile;
}

}  // namespace

MovieWriter::~MovieWriter() { close(); }

void MovieWriter::close() noexcept {
  if (context_ == nullptr) return;
  av_freep(static_cast<void*>(&context_->pb->buffer));
  avio_context_free(&context_->pb);
  avformat_free_context(context_);
  context_ = nullptr;
}

std::size_t MovieWriter::add_stream(const MediaStream& stream) {
  Stream added;
  added.source = {copy_of(*stream.codec), stream.time_base, stream.description};
  added.time_base = stream.time_base;
  streams_.push_back(std::move(added));
  return streams_.size() - 1;
}

bool MovieWriter::reconfigure(std::size_t index, const MediaStream& now) {
  Stream& stream = streams_[index];
  if (!begun() && !stream.any) {
    stream.source = {copy_of(*now.codec), now.time_base, now.description};
  } else if (auto continuation = continue_with(*stream.source.codec, *now.codec)) {
    // Back at the configuration of the beginning, a decoder still has to be told.
    stream.reconfigured = stream.reconfigured || !continuation->same;
    stream.in_front_of_key_frames.clear();
    if (stream.reconfigured) stream.in_front_of_key_frames = std::move(continuation->in_front_of_key_frames);
  } else {
    return false;
  }
  stream.time_base = now.time_base;
  return true;
}

bool MovieWriter::complete() const noexcept {
  return std::ranges::all_of(streams_, [](const Stream& stream) { return stream.any || stream.dismissed; });
}

std::chrono::microseconds MovieWriter::length() const noexcept { return std::chrono::microseconds(end_); }

MovieWriter::Outcome MovieWriter::write(std::size_t index, Packet packet) {
  Stream& stream = streams_[index];
  const bool key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
  if (packet->dts == AV_NOPTS_VALUE) packet->dts = packet->pts;
  if (packet->pts == AV_NOPTS_VALUE) packet->pts = packet->dts;
  if (packet->dts == AV_NOPTS_VALUE) return base::Failure{std::string("a frame has no time")};
  if (begun() && stream.place < 0) return {};
  if (!stream.any && stream.source.codec->codec_type == AVMEDIA_TYPE_VIDEO && !key) return {};
  if (!stream.any) {
    // Frames that are shown before their decode time (negative composition offsets) are no packets of FFmpeg's.
    const auto depth = static_cast<std::int64_t>(reorder_depth(*stream.source.codec, *packet));
    stream.early = std::max<std::int64_t>(0, depth * packet->duration - (packet->pts - packet->dts));
    stream.early = av_rescale_q(stream.early, stream.time_base, stream.source.time_base);
    stream.any = true;
  }
  if (key && !stream.in_front_of_key_frames.empty()) {
    Packet longer = new_packet();
    const std::size_t sets = stream.in_front_of_key_frames.size();
    if (av_new_packet(longer.get(), packet->size + static_cast<int>(sets)) < 0) throw std::bad_alloc();
    std::memcpy(longer->data, stream.in_front_of_key_frames.data(), sets);
    std::memcpy(longer->data + sets, packet->data, static_cast<std::size_t>(packet->size));
    if (av_packet_copy_props(longer.get(), packet.get()) < 0) throw std::bad_alloc();
    packet = std::move(longer);
  }
  // Microseconds would cost precision: what is kept is in the time base of the movie's stream.
  av_packet_rescale_ts(packet.get(), stream.time_base, stream.source.time_base);
  packet->dts -= stream.early;
  if (begun()) return put(index, std::move(packet));
  held_bytes_ += static_cast<std::size_t>(packet->size);
  held_.emplace_back(index, std::move(packet));
  return {};
}

std::int64_t MovieWriter::beginning() {
  std::optional<std::int64_t> earliest, first_picture;
  for (const auto& [index, packet] : held_) {
    const auto shown = microseconds(packet->pts, streams_[index].source.time_base);
    if (!earliest || shown < *earliest) earliest = shown;
    const bool picture = streams_[index].source.codec->codec_type == AVMEDIA_TYPE_VIDEO;
    if (picture && (!first_picture || shown < *first_picture)) first_picture = shown;
  }
  std::int64_t beginning = *earliest;
  if (presentation_start_) {
    beginning = *presentation_start_;
  } else if (*earliest < 0) {
    beginning = 0;
  } else if (first_picture && *first_picture - *earliest <= kEncoderDelay) {
    beginning = *first_picture;  // what a sound encoder needs to get going comes before the first picture
  }
  leaves_out_ = *earliest < beginning;
  return beginning;
}

MovieWriter::Outcome MovieWriter::begin() {
  if (begun() || held_.empty()) return {};
  if (avformat_alloc_output_context2(&context_, nullptr, "mp4", nullptr) < 0) throw std::bad_alloc();
  constexpr int kBuffer = 64 * 1024;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
  context_->pb = avio_alloc_context(buffer, kBuffer, 1, this, nullptr, &MovieWriter::on_output, nullptr);
  context_->pb->seekable = 0;
  context_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS;
  context_->max_interleave_delta = 1'000'000;  // a stream that has fallen silent holds the others up this long
  (void)take_libav_complaint();

  shifts_ = {-beginning()};
  for (const auto& [index, packet] : held_) {
    AVCodecParameters& parameters = *streams_[index].source.codec;
    if (parameters.codec_id == AV_CODEC_ID_VP9 && parameters.format < 0) find_pixel_format(parameters, *packet);
  }
  for (Stream& stream : streams_) {
    if (!stream.any) continue;
    AVStream* out = avformat_new_stream(context_, nullptr);
    if (out == nullptr || avcodec_parameters_copy(out->codecpar, stream.source.codec.get()) < 0) throw std::bad_alloc();
    out->codecpar->codec_tag = 0;
    out->time_base = stream.source.time_base;
    if (stream.source.description) describe(*out, *stream.source.description);
    stream.place = out->index;
  }
  AVDictionary* options = nullptr;
  // Without delay_moov the first samples stand in "moov".
  av_dict_set(&options, "movflags", leaves_out_ ? "+default_base_moof" : "+default_base_moof+delay_moov", 0);
  av_dict_set_int(&options, "frag_duration", INT_MAX, 0);
  av_dict_set(&options, "use_editlist", "1", 0);
  av_dict_set(&options, "avoid_negative_ts", "disabled", 0);
  av_dict_set(&options, "strict", "experimental", 0);  // FLAC and the like, in older versions
  const int error = avformat_write_header(context_, &options);
  av_dict_free(&options);
  if (error < 0) {
    close();  // a movie without a header has no end that could be written
    return base::Failure{failure("no MP4 can be made of these tracks", error)};
  }
  if (!leaves_out_) set_fragments();
  auto held = std::exchange(held_, {});
  held_bytes_ = 0;
  for (auto& [index, packet] : held) {
    if (auto written = put(index, std::move(packet)); !written) return written;
  }
  return {};
}

std::int64_t MovieWriter::shift_for(Stream& stream, std::int64_t decode_time, std::int64_t presentation_time) {
  if (stream.last_time != INT64_MIN &&
      (decode_time < stream.last_time - kBack || decode_time > stream.last_time + kAhead)) {
    ++stream.restarts;
    if (stream.restarts == shifts_.size()) shifts_.push_back(end_ - presentation_time);
  }
  stream.last_time = decode_time;
  return shifts_[stream.restarts];
}

MovieWriter::Outcome MovieWriter::put(std::size_t index, Packet packet) {
  Stream& stream = streams_[index];
  if (stream.place < 0) return {};
  const AVRational base = stream.source.time_base;
  const std::int64_t shift = shift_for(stream, microseconds(packet->dts, base), microseconds(packet->pts, base));
  const std::int64_t ticks = av_rescale_q(shift, kMicroseconds, base);
  packet->dts += ticks;
  packet->pts += ticks;
  const AVRational written = context_->streams[stream.place]->time_base;
  av_packet_rescale_ts(packet.get(), base, written);
  if (stream.last_written != INT64_MIN) packet->dts = std::max(packet->dts, stream.last_written + 1);
  packet->pts = std::max(packet->pts, packet->dts);
  stream.last_written = packet->dts;
  end_ = std::max(end_, microseconds(packet->pts + std::max<std::int64_t>(packet->duration, 0), written));
  packet->stream_index = stream.place;
  packet->pos = -1;
  ++stream.packets;
  // A frame lasts until the next one is decoded: what packets say of it themselves may be contradicted by their times,
  // which FFmpeg's muxer does not forgive.
  if (stream.pending) stream.pending->duration = packet->dts - stream.pending->dts;
  std::swap(stream.pending, packet);
  return packet ? mux(*packet) : Outcome{};
}

void MovieWriter::set_fragments() {
  fragments_set_ = true;
  av_opt_set(context_->priv_data, "movflags", "+frag_keyframe", 0);
  av_opt_set_int(context_->priv_data, "frag_duration", 1'000'000, 0);
}

void MovieWriter::note_muxed(std::size_t place, std::int64_t decode_time) {
  if (fragments_set_) return;
  bool through = true;
  for (Stream& stream : streams_) {
    if (stream.place < 0) continue;
    if (static_cast<std::size_t>(stream.place) == place) stream.last_muxed = decode_time;
    through = through && stream.last_muxed >= 0;
  }
  if (through || decode_time > kMostUnfragmented) set_fragments();
}

MovieWriter::Outcome MovieWriter::mux(AVPacket& packet) {
  const auto place = static_cast<std::size_t>(packet.stream_index);
  const std::int64_t decode_time = microseconds(packet.dts, context_->streams[place]->time_base);
  if (const int error = av_interleaved_write_frame(context_, &packet); error < 0) {
    return base::Failure{failure("a frame can't be written", error)};
  }
  note_muxed(place, decode_time);
  return {};
}

MovieWriter::Outcome MovieWriter::finish() {
  if (!begun()) return {};
  for (Stream& stream : streams_) {
    if (!stream.pending) continue;
    if (auto written = mux(*std::exchange(stream.pending, nullptr)); !written) return written;
  }
  if (const int error = av_write_trailer(context_); error < 0) {
    return base::Failure{failure("the MP4 can't be completed", error)};
  }
  return {};
}

void MovieWriter::output(base::Bytes bytes) {
  if (!leaves_out_ || header_written_) return output_(bytes);
  header_.insert(header_.end(), bytes.begin(), bytes.end());
  if (!find_box(header_, four_cc("moov"))) return;  // not all of it is there
  header_written_ = true;
  open_edit_lists(header_);
  output_(header_);
  header_ = {};
}

int MovieWriter::on_output(void* opaque, OutputByte* bytes, int size) {
  static_cast<MovieWriter*>(opaque)->output(base::Bytes(bytes, static_cast<std::size_t>(size)));
  return size;
}

}  // namespace msquic_py::apps
