#include "media/reorder.h"

#include <algorithm>

namespace msquic_py::apps {

std::size_t reorder_depth(const AVCodecParameters& parameters, const AVPacket& key_frame) {
  if (parameters.codec_id != AV_CODEC_ID_H264 && parameters.codec_id != AV_CODEC_ID_HEVC) return 0;
  // A decoder knows it once it has seen which parameter sets are used.
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  CodecContext context(codec != nullptr ? avcodec_alloc_context3(codec) : nullptr);
  if (!context || avcodec_parameters_to_context(context.get(), &parameters) < 0) return 0;
  context->thread_count = 1;
  if (avcodec_open2(context.get(), codec, nullptr) < 0 || avcodec_send_packet(context.get(), &key_frame) < 0) return 0;
  return static_cast<std::size_t>(std::max(0, context->has_b_frames));
}

}  // namespace msquic_py::apps
