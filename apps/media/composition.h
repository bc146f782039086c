#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace msquic_py::apps {

/// How far below 0 the composition time offsets of a track go in a chunk: the most that a frame is shown before its
/// decode time (ISO/IEC 14496-12, section 8.8.8, version 1), in ticks of the track; 0 when none is.
std::int64_t lowest_composition_offset(base::Bytes chunk, std::uint32_t track) noexcept;

}  // namespace msquic_py::apps
