#include "loc/video_frame_marking.h"

namespace msquic_py::loc {
namespace {

constexpr std::uint8_t kStart = 0x80;
constexpr std::uint8_t kEnd = 0x40;
constexpr std::uint8_t kIndependent = 0x20;
constexpr std::uint8_t kDiscardable = 0x10;
constexpr std::uint8_t kBaseLayerSync = 0x08;
constexpr std::uint8_t kTemporalIdMask = 0x07;

std::uint8_t first_byte(const VideoFrameMarking& marking) noexcept {
  std::uint8_t byte = marking.temporal_id;
  if (marking.start_of_frame) byte |= kStart;
  if (marking.end_of_frame) byte |= kEnd;
  if (marking.independent) byte |= kIndependent;
  if (marking.discardable) byte |= kDiscardable;
  if (marking.base_layer_sync) byte |= kBaseLayerSync;
  return byte;
}

VideoFrameMarking from_first_byte(std::uint64_t byte) noexcept {
  VideoFrameMarking marking;
  marking.start_of_frame = (byte & kStart) != 0;
  marking.end_of_frame = (byte & kEnd) != 0;
  marking.independent = (byte & kIndependent) != 0;
  marking.discardable = (byte & kDiscardable) != 0;
  marking.base_layer_sync = (byte & kBaseLayerSync) != 0;
  marking.temporal_id = static_cast<std::uint8_t>(byte & kTemporalIdMask);
  return marking;
}

}  // namespace

std::optional<std::uint64_t> VideoFrameMarking::to_number() const noexcept {
  if (temporal_id > kTemporalIdMask || (tl0_pic_idx && !layer_id)) return std::nullopt;
  std::uint64_t number = first_byte(*this);
  if (!layer_id) return number;
  if (number == 0) return std::nullopt;
  number = (number << 8) | *layer_id;
  if (tl0_pic_idx) number = (number << 8) | *tl0_pic_idx;
  return number;
}

std::optional<VideoFrameMarking> VideoFrameMarking::from_number(std::uint64_t number) noexcept {
  if (number > 0xFFFFFF) return std::nullopt;
  std::optional<std::uint8_t> layer, index;
  if (number > 0xFFFF) {
    index = static_cast<std::uint8_t>(number & 0xFF);
    number >>= 8;
  }
  if (number > 0xFF) {
    layer = static_cast<std::uint8_t>(number & 0xFF);
    number >>= 8;
  }
  VideoFrameMarking marking = from_first_byte(number);
  marking.layer_id = layer;
  marking.tl0_pic_idx = index;
  return marking;
}

std::optional<base::ByteVector> VideoFrameMarking::to_bytes() const {
  if (temporal_id > kTemporalIdMask || (tl0_pic_idx && !layer_id)) return std::nullopt;
  base::ByteVector bytes{first_byte(*this)};
  if (layer_id) bytes.push_back(*layer_id);
  if (tl0_pic_idx) bytes.push_back(*tl0_pic_idx);
  return bytes;
}

std::optional<VideoFrameMarking> VideoFrameMarking::from_bytes(base::Bytes bytes) noexcept {
  if (bytes.empty() || bytes.size() > 4) return std::nullopt;
  VideoFrameMarking marking = from_first_byte(bytes[0]);
  if (bytes.size() > 1) marking.layer_id = bytes[1];
  if (bytes.size() > 2) marking.tl0_pic_idx = bytes[2];
  return marking;
}

}  // namespace msquic_py::loc
