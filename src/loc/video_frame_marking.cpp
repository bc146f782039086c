#include "loc/video_frame_marking.h"

namespace msquic_py::loc {
namespace {

constexpr std::uint8_t kStart = 0x80;
constexpr std::uint8_t kEnd = 0x40;
constexpr std::uint8_t kIndependent = 0x20;
constexpr std::uint8_t kDiscardable = 0x10;
constexpr std::uint8_t kBaseLayerSync = 0x08;
constexpr std::uint8_t kTemporalIdMask = 0x07;

}  // namespace

std::optional<std::uint64_t> VideoFrameMarking::to_number() const noexcept {
  if (temporal_id > kTemporalIdMask || (tl0_pic_idx && !layer_id)) return std::nullopt;
  std::uint64_t number = temporal_id;
  if (start_of_frame) number |= kStart;
  if (end_of_frame) number |= kEnd;
  if (independent) number |= kIndependent;
  if (discardable) number |= kDiscardable;
  if (base_layer_sync) number |= kBaseLayerSync;
  if (!layer_id) return number;
  if (number == 0) return std::nullopt;
  number = (number << 8) | *layer_id;
  if (tl0_pic_idx) number = (number << 8) | *tl0_pic_idx;
  return number;
}

std::optional<VideoFrameMarking> VideoFrameMarking::from_number(std::uint64_t number) noexcept {
  if (number > 0xFFFFFF) return std::nullopt;
  VideoFrameMarking marking;
  if (number > 0xFFFF) {
    marking.tl0_pic_idx = static_cast<std::uint8_t>(number & 0xFF);
    number >>= 8;
  }
  if (number > 0xFF) {
    marking.layer_id = static_cast<std::uint8_t>(number & 0xFF);
    number >>= 8;
  }
  marking.start_of_frame = (number & kStart) != 0;
  marking.end_of_frame = (number & kEnd) != 0;
  marking.independent = (number & kIndependent) != 0;
  marking.discardable = (number & kDiscardable) != 0;
  marking.base_layer_sync = (number & kBaseLayerSync) != 0;
  marking.temporal_id = static_cast<std::uint8_t>(number & kTemporalIdMask);
  return marking;
}

}  // namespace msquic_py::loc
