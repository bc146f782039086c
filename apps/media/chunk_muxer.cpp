#include "media/chunk_muxer.h"

#include <algorithm>
#include <utility>

#include "media/initialization.h"
#include "media/stream_description.h"

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
  if (auto opened = muxer->open(streams, first); !opened) return base::Failure{opened.error()};
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

base::Result<void, std::string> ChunkMuxer::unwrap_adts(AVStream& output, const AVPacket& first) {
  filters_.emplace_back();
  const bool adts = first.size > 2 && first.data[0] == 0xff && (first.data[1] & 0xf6) == 0xf0;
  if (output.codecpar->codec_id != AV_CODEC_ID_AAC || !adts) return {};
  AVBSFContext* made = nullptr;
  const AVBitStreamFilter* kind = av_bsf_get_by_name("aac_adtstoasc");
  if (kind == nullptr || av_bsf_alloc(kind, &made) < 0)
    return base::Failure{std::string("this FFmpeg can't take AAC out of ADTS")};
  filters_.back().reset(made);
  if (avcodec_parameters_copy(made->par_in, output.codecpar) < 0 || av_bsf_init(made) < 0)
    return base::Failure{std::string("AAC can't be taken out of ADTS")};
  // The first frame tells the configuration; it comes again later, when it is added.
  const Packet probe = reference_to(first);
  if (av_bsf_send_packet(made, probe.get()) < 0 || av_bsf_receive_packet(made, probe.get()) < 0)
    return base::Failure{std::string("a frame of AAC is damaged")};
#if LIBAVCODEC_VERSION_MAJOR >= 59
  std::size_t size = 0;
#else
  int size = 0;
#endif
  const std::uint8_t* config = av_packet_get_side_data(probe.get(), AV_PKT_DATA_NEW_EXTRADATA, &size);
  if (config == nullptr) return {};
  av_freep(&output.codecpar->extradata);
  output.codecpar->extradata =
      static_cast<std::uint8_t*>(av_mallocz(static_cast<std::size_t>(size) + AV_INPUT_BUFFER_PADDING_SIZE));
  if (output.codecpar->extradata == nullptr) return base::Failure{std::string("out of memory")};
  std::copy_n(config, size, output.codecpar->extradata);
  output.codecpar->extradata_size = static_cast<int>(size);
  return {};
}

base::Result<void, std::string> ChunkMuxer::open(const std::vector<ChunkStream>& streams,
                                                 const std::vector<const AVPacket*>& first) {
  if (avformat_alloc_output_context2(&context_, nullptr, "mp4", nullptr) < 0)
    return base::Failure{std::string("this FFmpeg has no MP4 multiplexer")};
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", kMovFlags, 0);
  av_dict_set(&options, "use_editlist", "0", 0);
  for (const ChunkStream& stream : streams) {
    AVStream* output = avformat_new_stream(context_, nullptr);
    if (output == nullptr || avcodec_parameters_copy(output->codecpar, stream.codec) < 0)
      return base::Failure{std::string("out of memory")};
    if (auto unwrapped = unwrap_adts(*output, *first[time_bases_.size()]); !unwrapped) return unwrapped;
    output->codecpar->codec_tag = 0;  // that of the container it came from
    output->time_base = stream.time_base;
    output->avg_frame_rate = stream.frame_rate;
    output->sample_aspect_ratio = stream.codec->sample_aspect_ratio;
    if (stream.source != nullptr) describe(*output, *stream.source);
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
  if (AVBSFContext* filter = filters_[stream].get()) {
    if (av_bsf_send_packet(filter, scratch_.get()) < 0 || av_bsf_receive_packet(filter, scratch_.get()) < 0)
      return base::Failure{std::string("a frame of AAC is damaged")};
  }
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
