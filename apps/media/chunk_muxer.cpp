#include "media/chunk_muxer.h"

#include <utility>

#include "media/initialization.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace msquic_py::apps {
namespace {

// frag_custom: a fragment ends when we flush. delay_moov: "moov" is written by the first flush, when the first packets
// are known. skip_trailer: no index of all fragments is kept in memory.
constexpr const char* kMovFlags = "+frag_custom+delay_moov+default_base_moof+skip_trailer";

std::string name_of(const AVCodecParameters& codec) { return avcodec_get_name(codec.codec_id); }

}  // namespace

bool fits_into_mp4(const AVCodecParameters& codec) {
  const AVOutputFormat* mp4 = av_guess_format("mp4", nullptr, nullptr);
  return mp4 != nullptr && avformat_query_codec(mp4, codec.codec_id, FF_COMPLIANCE_NORMAL) == 1;
}

base::Result<std::unique_ptr<ChunkMuxer>, std::string> ChunkMuxer::create(const std::vector<ChunkStream>& streams,
                                                                          const std::vector<const AVPacket*>& first,
                                                                          std::int64_t raise_seconds) {
  std::unique_ptr<ChunkMuxer> muxer(new ChunkMuxer(raise_seconds));
  if (auto opened = muxer->open(streams); !opened) return base::Failure{opened.error()};
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (auto added = muxer->add(*first[i], i); !added) return base::Failure{added.error()};
  }
  auto initialization = muxer->flush();
  if (!initialization) return base::Failure{initialization.error()};
  if (initialization->empty()) return base::Failure{std::string("FFmpeg made no initialization segment")};
  muxer->initialization_ = std::move(initialization).value();
  if (raise_seconds != 0) add_edit_lists(muxer->initialization_, raise_seconds);
  return muxer;
}

ChunkMuxer::~ChunkMuxer() {
  if (context_ == nullptr) return;
  if (context_->pb != nullptr) {
    std::uint8_t* rest = nullptr;
    avio_close_dyn_buf(context_->pb, &rest);
    av_free(rest);
    context_->pb = nullptr;
  }
  avformat_free_context(context_);
}

base::Result<void, std::string> ChunkMuxer::open(const std::vector<ChunkStream>& streams) {
  if (avformat_alloc_output_context2(&context_, nullptr, "mp4", nullptr) < 0)
    return base::Failure{std::string("this FFmpeg has no MP4 multiplexer")};
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", kMovFlags, 0);
  av_dict_set(&options, "use_editlist", "0", 0);
  for (const ChunkStream& stream : streams) {
    AVStream* output = avformat_new_stream(context_, nullptr);
    if (output == nullptr || avcodec_parameters_copy(output->codecpar, stream.codec) < 0)
      return base::Failure{std::string("out of memory")};
    output->codecpar->codec_tag = 0;  // that of the container it came from
    output->time_base = stream.time_base;
    output->avg_frame_rate = stream.frame_rate;
    output->sample_aspect_ratio = stream.codec->sample_aspect_ratio;
    if (!stream.language.empty()) av_dict_set(&output->metadata, "language", stream.language.c_str(), 0);
    if (stream.codec->codec_type == AVMEDIA_TYPE_VIDEO)
      av_dict_set_int(&options, "video_track_timescale", stream.time_base.den, 0);
    time_bases_.push_back(stream.time_base);
  }
  context_->flags |= AVFMT_FLAG_BITEXACT;
  context_->avoid_negative_ts = 0;
  context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // FLAC and the like, in older FFmpeg
  if (avio_open_dyn_buf(&context_->pb) < 0) return base::Failure{std::string("out of memory")};
  const int result = avformat_write_header(context_, &options);
  av_dict_free(&options);
  if (result < 0) {
    const std::string complaint = take_libav_complaint();
    return base::Failure{"CMAF can't hold " + name_of(*streams.front().codec) + ": " + libav_error(result) +
                         (complaint.empty() ? "" : " (" + complaint + ")")};
  }
  return {};
}

std::uint32_t ChunkMuxer::timescale(std::size_t stream) const {
  return static_cast<std::uint32_t>(context_->streams[stream]->time_base.den);
}

base::Result<void, std::string> ChunkMuxer::add(const AVPacket& packet, std::size_t stream) {
  av_packet_unref(scratch_.get());
  if (av_packet_ref(scratch_.get(), &packet) < 0) return base::Failure{std::string("out of memory")};
  const AVRational from = time_bases_[stream];
  const AVRational to = context_->streams[stream]->time_base;
  av_packet_rescale_ts(scratch_.get(), from, to);
  const std::int64_t raise = raise_seconds_ * to.den / to.num;
  scratch_->pts += raise;
  scratch_->dts += raise;
  scratch_->stream_index = static_cast<int>(stream);
  scratch_->pos = -1;
  // The next chunk's times are those of its packets, not what the durations of the ones before add up to.
  av_opt_set(context_->priv_data, "movflags", "+frag_discont", 0);
  const int result = av_write_frame(context_, scratch_.get());
  av_packet_unref(scratch_.get());
  if (result >= 0) return {};
  const std::string complaint = take_libav_complaint();
  return base::Failure{"a frame of " + name_of(*context_->streams[stream]->codecpar) +
                       " can't go into CMAF: " + (complaint.empty() ? libav_error(result) : complaint)};
}

base::Result<base::ByteVector, std::string> ChunkMuxer::flush() {
  const int result = av_write_frame(context_, nullptr);
  if (result < 0) return base::Failure{"FFmpeg could not write a CMAF chunk: " + libav_error(result)};
  avio_flush(context_->pb);
  std::uint8_t* bytes = nullptr;
  const int size = avio_close_dyn_buf(context_->pb, &bytes);
  context_->pb = nullptr;
  base::ByteVector chunk(bytes, bytes + size);
  av_free(bytes);
  if (avio_open_dyn_buf(&context_->pb) < 0) return base::Failure{std::string("out of memory")};
  return chunk;
}

base::Result<base::ByteVector, std::string> ChunkMuxer::take_chunk() { return flush(); }

}  // namespace msquic_py::apps
