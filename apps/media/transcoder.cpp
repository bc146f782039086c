#include "media/transcoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

extern "C" {
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

namespace msquic_py::apps {
namespace {

constexpr std::array kVideoEncoders{"libx264", "libopenh264", "h264_videotoolbox", "h264_mf"};
constexpr std::int64_t kAudioBitRatePerChannel = 64'000;

const AVCodec* find_video_encoder() {
  for (const char* name : kVideoEncoders) {
    if (const AVCodec* codec = avcodec_find_encoder_by_name(name)) return codec;
  }
  return avcodec_find_encoder(AV_CODEC_ID_H264);
}

// The channels' layout changed its type with FFmpeg 5.1.
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(59, 24, 100)
std::string layout_of(const AVFrame& frame) {
  std::array<char, 128> text{};
  AVChannelLayout layout = frame.ch_layout;
  if (layout.order == AV_CHANNEL_ORDER_UNSPEC) av_channel_layout_default(&layout, frame.ch_layout.nb_channels);
  av_channel_layout_describe(&layout, text.data(), text.size());
  return text.data();
}
int use_stereo_at_most(AVCodecContext& encoder, const AVCodecParameters& source) {
  const int channels = source.ch_layout.nb_channels == 1 ? 1 : 2;
  av_channel_layout_default(&encoder.ch_layout, channels);
  return channels;
}
#else
std::string layout_of(const AVFrame& frame) {
  std::array<char, 128> text{};
  const std::uint64_t layout = frame.channel_layout != 0
                                   ? frame.channel_layout
                                   : static_cast<std::uint64_t>(av_get_default_channel_layout(frame.channels));
  av_get_channel_layout_string(text.data(), text.size(), frame.channels, layout);
  return text.data();
}
int use_stereo_at_most(AVCodecContext& encoder, const AVCodecParameters& source) {
  encoder.channels = source.channels == 1 ? 1 : 2;
  encoder.channel_layout = static_cast<std::uint64_t>(av_get_default_channel_layout(encoder.channels));
  return encoder.channels;
}
#endif

std::string failed(const char* what, int error) { return std::string(what) + ": " + libav_error(error); }

}  // namespace

base::Result<std::unique_ptr<Transcoder>, std::string> Transcoder::create(const AVCodecParameters& codec,
                                                                          AVRational time_base, AVRational frame_rate) {
  std::unique_ptr<Transcoder> made(new Transcoder());
  made->source_time_base_ = time_base;
  made->video_ = codec.codec_type == AVMEDIA_TYPE_VIDEO;
  const AVCodec* decoder = avcodec_find_decoder(codec.codec_id);
  if (decoder == nullptr)
    return base::Failure{std::string("this FFmpeg can't decode ") + avcodec_get_name(codec.codec_id)};
  made->decoder_.reset(avcodec_alloc_context3(decoder));
  if (!made->decoder_ || avcodec_parameters_to_context(made->decoder_.get(), &codec) < 0)
    return base::Failure{std::string("out of memory")};
  made->decoder_->pkt_timebase = time_base;
  if (const int opened = avcodec_open2(made->decoder_.get(), decoder, nullptr); opened < 0)
    return base::Failure{failed("the decoder can't be opened", opened)};
  auto encoder = made->video_ ? made->open_video(frame_rate) : made->open_audio();
  if (!encoder) return base::Failure{encoder.error()};
  return made;
}

Transcoder::~Transcoder() { avfilter_graph_free(&graph_); }

base::Result<void, std::string> Transcoder::open_video(AVRational frame_rate) {
  const AVCodec* codec = find_video_encoder();
  if (codec == nullptr) return base::Failure{std::string("this FFmpeg has no encoder for H.264")};
  encoder_.reset(avcodec_alloc_context3(codec));
  if (frame_rate.num <= 0) frame_rate = {30, 1};
  encoder_->width = decoder_->width / 2 * 2;  // what 4:2:0 can have
  encoder_->height = decoder_->height / 2 * 2;
  encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder_->sample_aspect_ratio = decoder_->sample_aspect_ratio;
  encoder_->time_base = source_time_base_;
  encoder_->framerate = frame_rate;
  encoder_->gop_size = std::max(1, static_cast<int>(std::lround(av_q2d(frame_rate))));
  encoder_->max_b_frames = 0;
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  av_opt_set(encoder_->priv_data, "preset", "veryfast", 0);
  av_opt_set(encoder_->priv_data, "tune", "zerolatency", 0);
  const int opened = avcodec_open2(encoder_.get(), codec, nullptr);
  if (opened < 0) return base::Failure{failed("the encoder for H.264 can't be opened", opened)};
  return {};
}

base::Result<void, std::string> Transcoder::open_audio() {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
  if (codec == nullptr) return base::Failure{std::string("this FFmpeg has no encoder for AAC")};
  encoder_.reset(avcodec_alloc_context3(codec));
  AVCodecParameters* source = avcodec_parameters_alloc();
  avcodec_parameters_from_context(source, decoder_.get());
  const int channels = use_stereo_at_most(*encoder_, *source);
  avcodec_parameters_free(&source);
  encoder_->sample_rate =
      decoder_->sample_rate > 48'000 || decoder_->sample_rate < 8'000 ? 48'000 : decoder_->sample_rate;
  if (encoder_->sample_rate != 44'100 && encoder_->sample_rate != 32'000) encoder_->sample_rate = 48'000;
  encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
  encoder_->bit_rate = kAudioBitRatePerChannel * channels;
  encoder_->time_base = {1, encoder_->sample_rate};
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  const int opened = avcodec_open2(encoder_.get(), codec, nullptr);
  if (opened < 0) return base::Failure{failed("the encoder for AAC can't be opened", opened)};
  return {};
}

CodecParameters Transcoder::codec() const {
  CodecParameters parameters(avcodec_parameters_alloc());
  avcodec_parameters_from_context(parameters.get(), encoder_.get());
  return parameters;
}

base::Result<void, std::string> Transcoder::build_graph(const AVFrame& frame) {
  avfilter_graph_free(&graph_);
  graph_ = avfilter_graph_alloc();
  std::array<char, 512> from{};
  std::string through;
  if (video_) {
    const AVRational aspect = frame.sample_aspect_ratio;
    std::snprintf(from.data(), from.size(), "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d",
                  frame.width, frame.height, frame.format, source_time_base_.num, source_time_base_.den, aspect.num,
                  std::max(aspect.den, 1));
    through = "scale=" + std::to_string(encoder_->width) + ":" + std::to_string(encoder_->height) + ",format=yuv420p";
  } else {
    std::snprintf(from.data(), from.size(), "time_base=%d/%d:sample_rate=%d:sample_fmt=%s:channel_layout=%s",
                  source_time_base_.num, source_time_base_.den, frame.sample_rate,
                  av_get_sample_fmt_name(static_cast<AVSampleFormat>(frame.format)), layout_of(frame).c_str());
    const std::string layout = encoder_->bit_rate > kAudioBitRatePerChannel ? "stereo" : "mono";
    through = "aresample=" + std::to_string(encoder_->sample_rate) +
              ",aformat=sample_fmts=fltp:channel_layouts=" + layout +
              ",asetnsamples=n=" + std::to_string(encoder_->frame_size) + ":p=0";
  }
  int result = avfilter_graph_create_filter(&source_, avfilter_get_by_name(video_ ? "buffer" : "abuffer"), "in",
                                            from.data(), nullptr, graph_);
  if (result >= 0)
    result = avfilter_graph_create_filter(&sink_, avfilter_get_by_name(video_ ? "buffersink" : "abuffersink"), "out",
                                          nullptr, nullptr, graph_);
  AVFilterInOut* outputs = avfilter_inout_alloc();
  AVFilterInOut* inputs = avfilter_inout_alloc();
  outputs->name = av_strdup("in");
  outputs->filter_ctx = source_;
  inputs->name = av_strdup("out");
  inputs->filter_ctx = sink_;
  if (result >= 0) result = avfilter_graph_parse_ptr(graph_, through.c_str(), &inputs, &outputs, nullptr);
  if (result >= 0) result = avfilter_graph_config(graph_, nullptr);
  avfilter_inout_free(&inputs);
  avfilter_inout_free(&outputs);
  if (result < 0) return base::Failure{failed("frames can't be converted for the encoder", result)};
  graph_width_ = frame.width;
  graph_height_ = frame.height;
  graph_format_ = frame.format;
  graph_rate_ = frame.sample_rate;
  return {};
}

base::Result<bool, std::string> Transcoder::push(const AVPacket* packet, const Take& take) {
  int sent = avcodec_send_packet(decoder_.get(), packet);
  if (sent < 0 && sent != AVERROR_EOF) {
    ++undecodable_;
    return true;
  }
  for (;;) {
    const int got = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (got == AVERROR(EAGAIN)) return true;
    if (got < 0) break;
    decoded_->pts = decoded_->best_effort_timestamp;
    decoded_->pict_type = AV_PICTURE_TYPE_NONE;
    auto more = filter(decoded_.get(), take);
    av_frame_unref(decoded_.get());
    if (!more || !*more) return more;
  }
  if (packet != nullptr) return true;
  if (graph_ != nullptr) {
    auto more = filter(nullptr, take);
    if (!more || !*more) return more;
  }
  return encode(nullptr, take);
}

base::Result<bool, std::string> Transcoder::filter(AVFrame* frame, const Take& take) {
  const bool changed =
      frame != nullptr && (graph_ == nullptr || frame->width != graph_width_ || frame->height != graph_height_ ||
                           frame->format != graph_format_ || frame->sample_rate != graph_rate_);
  if (changed) {
    if (auto built = build_graph(*frame); !built) return base::Failure{built.error()};
  }
  const int added = av_buffersrc_add_frame(source_, frame);
  if (added < 0) return base::Failure{failed("a frame can't be converted", added)};
  while (av_buffersink_get_frame(sink_, filtered_.get()) >= 0) {
    if (filtered_->pts != AV_NOPTS_VALUE)
      filtered_->pts = av_rescale_q(filtered_->pts, av_buffersink_get_time_base(sink_), encoder_->time_base);
    filtered_->pict_type = AV_PICTURE_TYPE_NONE;
    auto more = encode(filtered_.get(), take);
    av_frame_unref(filtered_.get());
    if (!more || !*more) return more;
  }
  return true;
}

base::Result<bool, std::string> Transcoder::encode(const AVFrame* frame, const Take& take) {
  const int sent = avcodec_send_frame(encoder_.get(), frame);
  if (sent < 0 && sent != AVERROR_EOF) return base::Failure{failed("a frame can't be encoded", sent)};
  while (avcodec_receive_packet(encoder_.get(), encoded_.get()) >= 0) {
    auto more = take(*encoded_);
    av_packet_unref(encoded_.get());
    if (!more || !*more) return more;
  }
  return true;
}

}  // namespace msquic_py::apps
