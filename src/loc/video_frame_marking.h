#pragma once

#include <cstdint>
#include <optional>

namespace msquic_py::loc {

/// Frame marking of RFC 9626 as LOC-01 section 2.3.2.2 carries it: one to three bytes in the low bits of a number, the
/// first byte most significant. One object per frame has both start_of_frame and end_of_frame.
struct VideoFrameMarking {
  bool start_of_frame = true;                 ///< S
  bool end_of_frame = true;                   ///< E
  bool independent = false;                   ///< I: decodable without any earlier frame
  bool discardable = false;                   ///< D: no other frame needs it
  bool base_layer_sync = false;               ///< B: needs the base temporal layer only
  std::uint8_t temporal_id = 0;               ///< TID, 0 to 7; 0 is the base layer
  std::optional<std::uint8_t> layer_id{};     ///< LID; present in the two- and three-byte forms
  std::optional<std::uint8_t> tl0_pic_idx{};  ///< TL0PICIDX; present in the three-byte form, beside layer_id

  /// Nothing when it has no encoding: temporal_id above 7, tl0_pic_idx without layer_id, or a first byte of zero in
  /// front of a layer_id, which would read as a shorter form.
  [[nodiscard]] std::optional<std::uint64_t> to_number() const noexcept;
  /// Nothing for a number of more than three bytes.
  static std::optional<VideoFrameMarking> from_number(std::uint64_t number) noexcept;

  bool operator==(const VideoFrameMarking&) const noexcept = default;
};

}  // namespace msquic_py::loc
