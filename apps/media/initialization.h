#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace msquic_py::apps {

/// Puts an edit list into each track of an initialization segment that has none: the presentation begins
/// `start_seconds` into the media's own time (ISO/IEC 14496-12 section 8.6.6).
void add_edit_lists(base::ByteVector& initialization, std::int64_t start_seconds);

/// Gives the last edit of each track, which a muxer of fragments writes as 0 ("to the end"), a length of weeks: readers
/// that apply edits to the samples of "moov" (FFmpeg's) take a 0 there for nothing at all. In place.
void open_edit_lists(base::ByteVector& initialization) noexcept;

/// What the sample entry of the first track says.
struct SampleEntry {
  std::string codec;               ///< as RFC 6381 and the WebCodecs registry write it: "avc1.64001f", "opus" …
  base::ByteVector configuration;  ///< WebCodecs' "description": the payload of avcC and the like; may be empty
};
/// Nothing when there is no sample entry.
std::optional<SampleEntry> read_sample_entry(base::Bytes initialization);

struct PictureSize {
  int width = 0;
  int height = 0;
};
/// What the first sample entry of a track says, counted from 0; zeros where it is no entry of pictures.
PictureSize picture_size(base::Bytes initialization, std::size_t track) noexcept;

/// `object` without a leading initialization segment, which a publisher of one track of all media repeats at the start
/// of each group.
base::Bytes without_initialization(base::Bytes object) noexcept;

/// The samples of a chunk ("moof" and "mdat"): the payload of its "mdat".
base::Bytes media_data(base::Bytes chunk) noexcept;

}  // namespace msquic_py::apps
