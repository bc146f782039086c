#include "media/frame_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include "media/reorder.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

namespace msquic_py::apps {
namespace {

struct CodecName {
  std::string_view prefix;
  AVCodecID id;
};
constexpr std::array kCodecs = {
    CodecName{"avc1", AV_CODEC_ID_H264},   CodecName{"avc3", AV_CODEC_ID_H264},   CodecName{"h264", AV_CODEC_ID_H264},
    CodecName{"hvc1", AV_CODEC_ID_HEVC},   CodecName{"hev1", AV_CODEC_ID_HEVC},   CodecName{"av01", AV_CODEC_ID_AV1},
    CodecName{"vp09", AV_CODEC_ID_VP9},    CodecName{"vp9", AV_CODEC_ID_VP9},     CodecName{"vp08", AV_CODEC_ID_VP8},
    CodecName{"vp8", AV_CODEC_ID_VP8},     CodecName{"opus", AV_CODEC_ID_OPUS},   CodecName{"mp4a.40", AV_CODEC_ID_AAC},
    CodecName{"mp4a.67", AV_CODEC_ID_AAC}, CodecName{"flac", AV_CODEC_ID_FLAC},   CodecName{"mp3", AV_CODEC_ID_MP3},
    CodecName{"mp4a.6b", AV_CODEC_ID_MP3}, CodecName{"mp4a.69", AV_CODEC_ID_MP3}, CodecName{"ac-3", AV_CODEC_ID_AC3},
    CodecName{"ec-3", AV_CODEC_ID_EAC3},
};

bool has_start_codes(base::Bytes frame) noexcept {
  return frame.size() > 4 && frame[0] == 0 && frame[1] == 0 && (frame[2] == 1 || (frame[2] == 0 && frame[3] == 1));
}

/// AudioSpecificConfig of AAC (ISO/IEC 14496-3, section 1.6.2.1): object type 2, the rate's index, the channels.
base::ByteVector aac_configuration(int rate, int channels) {
  constexpr std::array kRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                 22050, 16000, 12000, 11025, 8000,  7350};
  const auto found = std::ranges::find(kRates, rate);
  if (found == kRates.end()) return {};
  const auto index = static_cast<unsigned>(found - kRates.begin());
  const unsigned bits = 2u << 11 | index << 7 | static_cast<unsigned>(channels == 8 ? 7 : channels) << 3;
  return {static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)};
}

/// Identification header of Opus (RFC 7845, section 5.1).
base::ByteVector opus_configuration(int rate, int channels) {
  base::ByteVector head = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, static_cast<std::uint8_t>(channels), 0, 0};
  for (const int shift : {0, 8, 16, 24})
    head.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(rate) >> shift));
  head.insert(head.end(), {0, 0, 0});
  return head;
}

/// WebCodecs has the marker and a block header in front of FLAC's STREAMINFO, FFmpeg has not.
base::Bytes as_ffmpeg_has_it(AVCodecID codec, base::Bytes configuration) noexcept {
  const bool marked = codec == AV_CODEC_ID_FLAC && configuration.size() >= 42 && configuration[0] == 'f';
  return marked ? configuration.subspan(8, 34) : configuration;
}

}  // namespace

AVCodecID codec_of(std::string_view webcodecs_name) noexcept {
  // Numbers in names are hexadecimal, and written either way.
  const auto is_same = [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) == std::tolower(static_cast<unsigned char>(right));
  };
  const auto found = std::ranges::find_if(kCodecs, [&](const CodecName& codec) {
    return std::ranges::equal(codec.prefix, webcodecs_name.substr(0, codec.prefix.size()), is_same);
  });
  return found == kCodecs.end() ? AV_CODEC_ID_NONE : found->id;
}

base::Result<FrameReader, std::string> FrameReader::create(const msf::Track& track, base::Bytes configuration) {
  const AVCodecID id = track.codec ? codec_of(*track.codec) : AV_CODEC_ID_NONE;
  if (id == AV_CODEC_ID_NONE) {
    return base::Failure{"the track '" + track.name + "' has the codec '" + track.codec.value_or("") +
                         "', which is not known here"};
  }
  FrameReader reader;
  reader.stream_.codec.reset(avcodec_parameters_alloc());
  if (!reader.stream_.codec) throw std::bad_alloc();
  AVCodecParameters& parameters = *reader.stream_.codec;
  parameters.codec_id = id;
  parameters.codec_type = avcodec_get_type(id);
  parameters.bit_rate = static_cast<std::int64_t>(track.bitrate.value_or(0));
  if (reader.is_video()) {
    parameters.width = static_cast<int>(track.width.value_or(0));
    parameters.height = static_cast<int>(track.height.value_or(0));
    reader.interval_ = static_cast<std::int64_t>(1e6 / std::clamp(track.framerate.value_or(30.0), 1.0, 1000.0));
    if (parameters.width <= 0 || parameters.height <= 0) {
      return base::Failure{"the track '" + track.name + "' has no width and height in the catalog"};
    }
  } else {
    int channels = 2;
    if (const auto& text = track.channel_config) {
      if (std::from_chars(text->data(), text->data() + text->size(), channels).ec != std::errc() || channels < 1 ||
          channels > 8) {
        channels = *text == "mono" ? 1 : 2;
      }
    }
    parameters.sample_rate = static_cast<int>(track.samplerate.value_or(48000));
    av_channel_layout_default(&parameters.ch_layout, channels);
    parameters.frame_size = id == AV_CODEC_ID_AAC ? 1024 : 0;
    reader.interval_ = id == AV_CODEC_ID_AAC ? 1'024'000'000LL / parameters.sample_rate : 20'000;
    if (configuration.empty() && id == AV_CODEC_ID_AAC) {
      reader.configure(aac_configuration(parameters.sample_rate, channels));
    } else if (configuration.empty() && id == AV_CODEC_ID_OPUS) {
      reader.configure(opus_configuration(parameters.sample_rate, channels));
    }
  }
  if (!configuration.empty()) reader.configure(configuration);
  if (track.language) reader.stream_.description = description_in(*track.language);
  return reader;
}

void FrameReader::configure(base::Bytes configuration) {
  AVCodecParameters& parameters = *stream_.codec;
  configuration = as_ffmpeg_has_it(parameters.codec_id, configuration);
  av_freep(static_cast<void*>(&parameters.extradata));
  parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(configuration.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (parameters.extradata == nullptr) throw std::bad_alloc();
  std::memcpy(parameters.extradata, configuration.data(), configuration.size());
  parameters.extradata_size = static_cast<int>(configuration.size());
}

base::Result<std::optional<FrameReader::Frame>, std::string> FrameReader::read(base::Bytes payload,
                                                                               const loc::HeaderExtensions& extensions,
                                                                               bool first_of_group) {
  if (payload.empty()) return base::Failure{std::string("an object of a LOC track is empty")};
  const auto captured = extensions.capture_microseconds();
  if (!captured) return base::Failure{std::string("an object has no LOC timestamp")};
  Frame frame;
  const bool key =
      !is_video() || (extensions.video_frame_marking ? extensions.video_frame_marking->independent : first_of_group);
  if (!started_ && !key) return std::optional<Frame>{};
  if (key && is_video()) {
    const AVCodecParameters& parameters = *stream_.codec;
    const base::Bytes known(parameters.extradata, static_cast<std::size_t>(parameters.extradata_size));
    base::Bytes configuration;
    if (extensions.video_config) {
      configuration = *extensions.video_config;
    } else if (known.empty() && (has_start_codes(payload) || parameters.codec_id == AV_CODEC_ID_AV1)) {
      configuration = payload;  // parameter sets, or the sequence header, are in the frame; FFmpeg picks them out
    }
    if (!configuration.empty() && !std::ranges::equal(configuration, known)) {
      frame.configuration_changed = started_;
      configure(configuration);
    }
  }

  if (!is_video() && extensions.audio_config && !extensions.audio_config->empty()) {
    const base::Bytes known(stream_.codec->extradata, static_cast<std::size_t>(stream_.codec->extradata_size));
    if (!std::ranges::equal(as_ffmpeg_has_it(stream_.codec->codec_id, *extensions.audio_config), known)) {
      frame.configuration_changed = started_;
      configure(*extensions.audio_config);
    }
  }

  frame.packet = new_packet();
  AVPacket& packet = *frame.packet;
  if (av_new_packet(&packet, static_cast<int>(payload.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet.data, payload.data(), payload.size());
  if (!started_ || frame.configuration_changed) reorder_ = reorder_depth(*stream_.codec, packet);
  started_ = true;
  packet.pts = static_cast<std::int64_t>(*captured);
  packet.dts = decode_time(packet.pts);
  packet.duration = interval_;
  if (key) packet.flags |= AV_PKT_FLAG_KEY;
  if (const auto start = extensions.presentation_start; start && *start > *captured)
    frame.presentation_start = static_cast<std::int64_t>(*start);
  return std::optional<Frame>{std::move(frame)};
}

std::int64_t FrameReader::decode_time(std::int64_t presentation) {
  std::int64_t time = presentation;
  if (reorder_ > 0) {
    shown_.insert(presentation);
    if (shown_.size() > reorder_) {
      time = *shown_.begin();
      shown_.erase(shown_.begin());
    } else {  // before the first picture is shown
      time = *shown_.begin() - interval_ * static_cast<std::int64_t>(reorder_ + 1 - shown_.size());
    }
  }
  if (last_decode_time_) {
    time = std::max(time, *last_decode_time_ + 1);
    if (time - *last_decode_time_ < 1'000'000) interval_ = time - *last_decode_time_;
  }
  last_decode_time_ = time;
  return time;
}

}  // namespace msquic_py::apps
