#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace msquic_py::loc {

/// Frame marking of RFC 9626: one to three bytes, which LOC-01 (section 2.3.2.2) carries in the low bits of a number,
/// the first byte most significant, and LOC-04 as they are. One object per frame has both start_of_frame and
/// end_of_frame.
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

  /// The bytes themselves; nothing when it has no encoding: temporal_id above 7, or tl0_pic_idx without layer_id.
  [[nodiscard]] std::optional<base::ByteVector> to_bytes() const;
  /// Nothing unless there are one to four bytes. LOC-04 allows four and RFC 9626 gives the last one no meaning: it is
  /// passed over.
  static std::optional<VideoFrameMarking> from_bytes(base::Bytes bytes) noexcept;

  bool operator==(const VideoFrameMarking&) const noexcept = default;
};

}  // namespace msquic_py::loc
