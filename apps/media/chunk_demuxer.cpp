#include "media/chunk_demuxer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "media/box.h"
#include "media/composition.h"
#include "media/initialization.h"

namespace msquic_py::apps {
namespace {

/// Two pieces of memory, one behind the other, as libavformat reads them: an initialization segment is not copied in
/// front of each chunk.
class MemoryInput {
 public:
  explicit MemoryInput(std::array<base::Bytes, 2> pieces) : pieces_(pieces) {
    constexpr int kBuffer = 4096;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
    context_ = avio_alloc_context(buffer, kBuffer, 0, this, &MemoryInput::read, nullptr, &MemoryInput::seek);
  }
  MemoryInput(const MemoryInput&) = delete;
  MemoryInput& operator=(const MemoryInput&) = delete;
  ~MemoryInput() {
    av_freep(static_cast<void*>(&context_->buffer));
    avio_context_free(&context_);
  }
  [[nodiscard]] AVIOContext* context() noexcept { return context_; }

 private:
  [[nodiscard]] std::int64_t size() const noexcept {
    return static_cast<std::int64_t>(pieces_[0].size() + pieces_[1].size());
  }

  static int read(void* opaque, std::uint8_t* out, int room) {
    auto& self = *static_cast<MemoryInput*>(opaque);
    const bool first = self.position_ < static_cast<std::int64_t>(self.pieces_[0].size());
    const base::Bytes piece = self.pieces_[first ? 0 : 1];
    const auto at = static_cast<std::size_t>(self.position_) - (first ? 0 : self.pieces_[0].size());
    const std::size_t count = std::min(static_cast<std::size_t>(room), piece.size() - at);
    if (count == 0) return AVERROR_EOF;
    std::memcpy(out, piece.data() + at, count);
    self.position_ += static_cast<std::int64_t>(count);
    return static_cast<int>(count);
  }

  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<MemoryInput*>(opaque);
    if ((whence & AVSEEK_SIZE) != 0) return self.size();
    const std::int64_t position = whence == SEEK_CUR   ? self.position_ + offset
                                  : whence == SEEK_END ? self.size() + offset
                                                       : offset;
    if (position < 0 || position > self.size()) return AVERROR(EINVAL);
    self.position_ = position;
    return position;
  }

  std::array<base::Bytes, 2> pieces_;
  std::int64_t position_ = 0;
  AVIOContext* context_ = nullptr;
};

struct InputClose {
  void operator()(AVFormatContext* context) const noexcept { avformat_close_input(&context); }
};
using Input = std::unique_ptr<AVFormatContext, InputClose>;

base::Result<Input, std::string> open_input(MemoryInput& memory) {
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) return base::Failure{std::string("out of memory")};
  context->pb = memory.context();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  static const AVInputFormat* const format = av_find_input_format("mov");
  (void)take_libav_complaint();
  if (const int error = avformat_open_input(&context, nullptr, format, nullptr); error < 0) {
    const std::string complaint = take_libav_complaint();
    return base::Failure{complaint.empty() ? libav_error(error) : complaint};
  }
  return Input(context);
}

/// Whether `boxes` are whole boxes, one after the other.
bool whole_boxes(base::Bytes boxes) noexcept {
  while (!boxes.empty()) {
    if (!take_box(boxes)) return false;
  }
  return true;
}

}  // namespace

base::Bytes leading_initialization(base::Bytes object) noexcept {
  std::size_t size = 0;
  bool movie = false;
  while (const auto header = read_box_header(object.subspan(size))) {
    if (header->type != four_cc("ftyp") && header->type != four_cc("moov")) break;
    if (header->size < header->header_size || header->size > object.size() - size) break;
    movie = movie || header->type == four_cc("moov");
    size += static_cast<std::size_t>(header->size);
  }
  return movie ? object.first(size) : base::Bytes();
}

base::Result<void, std::string> ChunkDemuxer::set_initialization(base::Bytes segment) {
  MemoryInput memory({segment, {}});
  auto input = open_input(memory);
  if (!input) return base::Failure{"the initialization segment can't be read: " + input.error()};
  std::vector<MediaStream> streams;
  std::vector<int> places;
  std::vector<std::uint32_t> track_ids;
  for (const AVStream* stream : std::span((*input)->streams, (*input)->nb_streams)) {
    const bool media =
        stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO || stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    places.push_back(media ? static_cast<int>(streams.size()) : -1);
    if (!media) continue;
    AVCodecParameters& codec = *stream->codecpar;
    // libavformat leaves the size of MPEG-4 pictures to a decoder, of which there is none here.
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO && codec.width == 0) {
      const PictureSize size = picture_size(segment, static_cast<std::size_t>(stream->index));
      codec.width = size.width;
      codec.height = size.height;
    }
    streams.push_back({copy_of(*stream->codecpar), stream->time_base, description_of(*stream)});
    track_ids.push_back(static_cast<std::uint32_t>(stream->id));
  }
  if (streams.empty()) return base::Failure{std::string("the initialization segment has neither audio nor video")};
  initialization_.assign(segment.begin(), segment.end());
  streams_ = std::move(streams);
  places_ = std::move(places);
  track_ids_ = std::move(track_ids);
  return {};
}

base::Result<void, std::string> ChunkDemuxer::read(base::Bytes chunk, const Sink& sink) const {
  if (streams_.empty()) return base::Failure{std::string("a chunk comes before its initialization segment")};
  if (!whole_boxes(chunk)) return base::Failure{std::string("a chunk is cut short, or no MP4")};
  MemoryInput memory({initialization_, chunk});
  auto input = open_input(memory);
  if (!input) return base::Failure{"a chunk can't be read: " + input.error()};
  // Where frames are shown before their decode time, libavformat moves all of the input to where none is; each chunk is
  // an input of its own, so that has to be taken back.
  std::vector<std::int64_t> lowest;
  for (const std::uint32_t track : track_ids_) lowest.push_back(lowest_composition_offset(chunk, track));
  bool any = false;
  for (;;) {
    Packet packet = new_packet();
    const int error = av_read_frame(input->get(), packet.get());
    if (error == AVERROR_EOF) break;
    if (error < 0) return base::Failure{"a chunk can't be read: " + libav_error(error)};
    const auto index = static_cast<std::size_t>(packet->stream_index);
    if (index >= places_.size() || places_[index] < 0) continue;
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) return base::Failure{std::string("a chunk lacks part of a frame")};
    any = true;
    if (av_packet_make_refcounted(packet.get()) < 0) return base::Failure{std::string("out of memory")};
    const auto place = static_cast<std::size_t>(places_[index]);
    if (packet->pts != AV_NOPTS_VALUE) packet->pts += lowest[place];
    sink(std::move(packet), place);
  }
  if (!any) return base::Failure{std::string("a chunk holds no frame")};
  return {};
}

}  // namespace msquic_py::apps
