#include "media/demuxer.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "media/edits.h"

extern "C" {
#include <libavdevice/avdevice.h>
}

namespace msquic_py::apps {
namespace {

constexpr int kBuffer = 64 * 1024;
constexpr int kDeviceMilliseconds = 5;
constexpr int kLiveFrames = 8;

int read_bytes(void* opaque, std::uint8_t* buffer, int size) {
  const std::size_t got = static_cast<MovieBytes*>(opaque)->read({buffer, static_cast<std::size_t>(size)});
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t seek_bytes(void* opaque, std::int64_t offset, int whence) {
  auto& bytes = *static_cast<MovieBytes*>(opaque);
  const auto size = static_cast<std::int64_t>(bytes.size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0 || !bytes.seek(static_cast<std::uint64_t>(offset)))
    return AVERROR(EINVAL);
  return offset;
}

int interrupted(void* opaque) { return static_cast<const Interrupt*>(opaque)->raised() ? 1 : 0; }

bool is_file(const std::string& input) {
  std::error_code ignored;
  return input == "-" || std::filesystem::exists(input, ignored) || input.find("://") == std::string::npos;
}

}  // namespace

base::Result<std::unique_ptr<Demuxer>, std::string> Demuxer::open(const std::string& input,
                                                                  const DemuxerOptions& options,
                                                                  const Interrupt& interrupt) {
  const std::string name = input == "-" ? "standard input" : "'" + input + "'";
  std::unique_ptr<Demuxer> demuxer(new Demuxer(name, options, interrupt));
  // A device's name is no file to read, and some formats (lavfi) take a text in place of a name.
  avdevice_register_all();
  const AVInputFormat* format = options.format.empty() ? nullptr : av_find_input_format(options.format.c_str());
  if (format == nullptr && !options.format.empty())
    return base::Failure{"FFmpeg has no input format '" + options.format + "' (ffmpeg -demuxers lists them)"};
  const bool by_itself = format != nullptr && (format->flags & AVFMT_NOFILE) != 0;
  if (options.follow && (by_itself || !is_file(input)))
    return base::Failure{"--follow-input needs a file that grows: " + name +
                         " is a URL or a device, which goes on anyway"};
  if (!by_itself && is_file(input)) {
    auto file = InputFile::open(input, options.follow, interrupt);
    if (!file) return base::Failure{file.error()};
    auto bytes = MovieBytes::open(std::move(file).value());
    if (!bytes) return base::Failure{bytes.error()};
    demuxer->bytes_.emplace(std::move(bytes).value());
  }
  demuxer->live_connection_ = !demuxer->bytes_ && (input.starts_with("rtmp") || input.starts_with("srt://"));
  if (auto opened = demuxer->open_context(input); !opened) return base::Failure{opened.error()};
  return demuxer;
}

Demuxer::~Demuxer() { close_context(); }

void Demuxer::close_context() {
  avformat_close_input(&context_);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
  streams_.clear();
  places_.clear();
  passed_over_ = 0;
}

bool Demuxer::index_is_out_of_reach() const {
  return bytes_ && bytes_->boxes() && !bytes_->seekable() && bytes_->index_last();
}

std::string Demuxer::why_not_opened(int error) const {
  if (interrupt_.raised()) return "interrupted";
  const std::string complaint = take_libav_complaint();
  if (bytes_ && !bytes_->damage().empty()) return name_ + " can't be played: " + bytes_->damage();
  if (bytes_ && bytes_->boxes() && !bytes_->has_movie_box()) {
    return name_ + " has no 'moov' box: of a CMAF segment the initialization segment has to come first (cat init.mp4 " +
           "segment.m4s | moqt-pub -), any other MP4 is cut or damaged";
  }
  if (index_is_out_of_reach()) {
    return name_ + " is an MP4 whose index comes last, which can't be read from a pipe: name the file, or send a " +
           "fragmented one (ffmpeg -movflags +frag_keyframe+empty_moov+default_base_moof)";
  }
  const std::string why = libav_error(error) + (complaint.empty() ? "" : " (" + complaint + ")");
  if (options_.format.empty()) return name_ + " can't be opened as media: " + why;
  return name_ + " can't be opened as " + options_.format + ", which --format or --input-format says it is: " + why;
}

base::Result<void, std::string> Demuxer::open_context(const std::string& url) {
  (void)take_libav_complaint();
  (void)take_libav_cut();
  context_ = avformat_alloc_context();
  if (context_ == nullptr) return base::Failure{std::string("out of memory")};
  context_->interrupt_callback = {interrupted, const_cast<Interrupt*>(&interrupt_)};
  if (bytes_) {
    auto* buffer = static_cast<std::uint8_t*>(av_malloc(kBuffer));
    io_ = avio_alloc_context(buffer, kBuffer, 0, &*bytes_, read_bytes, nullptr,
                             bytes_->seekable() ? seek_bytes : nullptr);
    if (io_ == nullptr) return base::Failure{std::string("out of memory")};
    context_->pb = io_;
    context_->flags |= AVFMT_FLAG_CUSTOM_IO;
  }
  // What is still being made brings its first frames slowly: fewer of them have to do to tell the frame rate.
  if (!bytes_ || !bytes_->seekable()) context_->fps_probe_size = kLiveFrames;
  AVInputFormat* format = nullptr;
  if (!options_.format.empty()) format = const_cast<AVInputFormat*>(av_find_input_format(options_.format.c_str()));
  AVDictionary* given = nullptr;
  for (const auto& [key, value] : options_.options) av_dict_set(&given, key.c_str(), value.c_str(), 0);
  int result = avformat_open_input(&context_, bytes_ ? "" : url.c_str(), format, &given);
  const AVDictionaryEntry* unknown = av_dict_get(given, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  const std::string strange = unknown == nullptr ? "" : unknown->key;
  av_dict_free(&given);
  if (result >= 0 && !strange.empty()) {
    return base::Failure{"--input-option " + strange + ": " + context_->iformat->name +
                         " has no such option (ffmpeg -h demuxer=" + context_->iformat->name + " lists them)"};
  }
  if (result < 0 || index_is_out_of_reach()) return base::Failure{why_not_opened(result)};
  result = avformat_find_stream_info(context_, nullptr);
  if (result < 0) return base::Failure{why_not_opened(result)};
  const base::ByteVector moov = bytes_ && bytes_->boxes() ? bytes_->take_movie_box() : base::ByteVector{};
  const std::vector<std::uint32_t> in_pieces = tracks_of_several_pieces(moov);
  places_.assign(context_->nb_streams, -1);
  for (unsigned i = 0; i < context_->nb_streams; ++i) {
    AVStream* stream = context_->streams[i];
    const AVMediaType type = stream->codecpar->codec_type;
    const bool picture = (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    if ((type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO) || picture) {
      stream->discard = AVDISCARD_ALL;
      ++passed_over_;
      continue;
    }
    // MPEG-1 and 2 leave out what FFmpeg can reckon for them, and for them alone.
    const AVCodecID codec = stream->codecpar->codec_id;
    if (codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_MPEG2VIDEO) context_->flags |= AVFMT_FLAG_GENPTS;
    places_[i] = static_cast<int>(streams_.size());
    const bool pieces = std::ranges::find(in_pieces, static_cast<std::uint32_t>(stream->id)) != in_pieces.end();
    streams_.push_back({stream, type == AVMEDIA_TYPE_VIDEO, pieces});
  }
  if (streams_.empty()) return base::Failure{name_ + " has neither video nor audio"};
  return {};
}

bool Demuxer::plausible(const AVPacket& packet) const {
  if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0) return false;
  if (!bytes_ || !bytes_->boxes() || packet.pos < 0) return true;
  return bytes_->inside_media_data(static_cast<std::uint64_t>(packet.pos), static_cast<std::uint64_t>(packet.size));
}

bool Demuxer::ends_early() const {
  const std::string_view format = context_->iformat->name;
  if (format != "flac" && format != "aiff" && format != "mp3") return false;
  if (context_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return false;
  return std::ranges::any_of(streams_, [&](const Stream& each) {
    // An encoder that does not say how much of its last frame only fills it up is not to blame.
    const std::int64_t slack = format == "flac" ? 0 : each.last_packet;
    return each.source->duration != AV_NOPTS_VALUE && each.read_until + slack < each.source->duration;
  });
}

Demuxer::Step Demuxer::read(AVPacket& packet, std::size_t& stream) {
  for (;;) {
    av_packet_unref(&packet);
    const int result = av_read_frame(context_, &packet);
    if (result == AVERROR(EAGAIN)) {  // a device that has nothing yet
      if (interrupt_.wait(-1, kDeviceMilliseconds)) continue;
      return Step::End;
    }
    if (interrupt_.raised()) return Step::End;
    if (result < 0) {
      if ((take_libav_cut() || (result == AVERROR_EOF && ends_early())) && damage_.empty())
        damage_ = "it ends before its container says so";
      if (result == AVERROR_EOF) return Step::End;
      if (live_connection_ && result == AVERROR(EIO)) {
        sender_has_gone_ = true;
        return Step::End;
      }
      const std::string complaint = take_libav_complaint();
      // Behind the last sample libavformat looks for what follows "mdat", which nothing can where that has no size.
      const bool open_ended = bytes_ && bytes_->ended_in_open_box();
      if (open_ended && complaint.find("root atom offset") != std::string::npos) return Step::End;
      if (damage_.empty()) damage_ = libav_error(result) + (complaint.empty() ? "" : ": " + complaint);
      return Step::End;
    }
    // A transport that started new tables may bring streams that were not there at the beginning.
    const auto index = static_cast<std::size_t>(packet.stream_index);
    if (index >= places_.size() || places_[index] < 0) continue;
    if (av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr) {
      damage_ = "it is encrypted (Common Encryption), which can't be published: decrypt it first";
      return Step::End;
    }
    if (!plausible(packet)) {
      if (damage_.empty()) damage_ = "a frame of it is cut or lies outside of the media data";
      continue;
    }
    stream = static_cast<std::size_t>(places_[index]);
    streams_[stream].read_until = packet.pts + packet.duration;
    streams_[stream].last_packet = packet.duration;
    return Step::Read;
  }
}

base::Result<bool, std::string> Demuxer::next_movie() {
  if (!bytes_) return false;
  if (bytes_->damage().empty() && damage_.empty()) {
    close_context();
    if (!bytes_->next_movie()) return false;
    if (auto opened = open_context(""); !opened) return base::Failure{opened.error()};
    return true;
  }
  return false;
}

std::string Demuxer::damage() const {
  const std::string& why = bytes_ && !bytes_->damage().empty() ? bytes_->damage() : damage_;
  return why.empty() ? why : name_ + ": " + why;
}

bool Demuxer::has_edit_lists() const noexcept {
  return context_ != nullptr && std::string_view(context_->iformat->name).starts_with("mov");
}

std::optional<double> Demuxer::duration_seconds() const {
  if (context_ == nullptr || context_->duration <= 0) return std::nullopt;
  return static_cast<double>(context_->duration) / AV_TIME_BASE;
}

}  // namespace msquic_py::apps
