#include "media/stream_description.h"

#include <algorithm>
#include <new>

namespace msquic_py::apps {

namespace {

std::shared_ptr<AVStream> new_stream() {
  const std::shared_ptr<AVFormatContext> holder(avformat_alloc_context(), &avformat_free_context);
  AVStream* stream = holder ? avformat_new_stream(holder.get(), nullptr) : nullptr;
  if (stream == nullptr) throw std::bad_alloc();
  return {holder, stream};
}

}  // namespace

StreamDescription description_of(const AVStream& stream) {
  auto copy = new_stream();
  describe(*copy, stream);
  return copy;
}

bool is_turned(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(60, 31, 102)
  return av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr) != nullptr;
#else
  const AVCodecParameters& codec = *stream.codecpar;
  return av_packet_side_data_get(codec.coded_side_data, codec.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX) != nullptr;
#endif
}

StreamDescription description_in(const std::string& language) {
  auto stream = new_stream();
  av_dict_set(&stream->metadata, "language", language.c_str(), 0);
  return stream;
}

void describe(AVStream& stream, const AVStream& like) {
  if (like.sample_aspect_ratio.num != 0) {
    stream.sample_aspect_ratio = like.sample_aspect_ratio;
    stream.codecpar->sample_aspect_ratio = like.sample_aspect_ratio;
  }
  if (const AVDictionaryEntry* language = av_dict_get(like.metadata, "language", nullptr, 0))
    av_dict_set(&stream.metadata, "language", language->value, 0);
#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(60, 31, 102)  // later it is part of the codec's parameters
  for (int i = 0; i < like.nb_side_data; ++i) {
    const AVPacketSideData& data = like.side_data[i];
    if (std::uint8_t* copy = av_stream_new_side_data(&stream, data.type, data.size))
      std::copy_n(data.data, data.size, copy);
  }
#endif
}

}  // namespace msquic_py::apps
