#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace msquic_py::apps {

/// The IDs of the tracks of a movie ("moov", its payload) whose edit list strings together more than one piece of their
/// media (ISO/IEC 14496-12 section 8.6.6). Time without media, "empty edits", is no piece.
std::vector<std::uint32_t> tracks_of_several_pieces(base::Bytes moov);

}  // namespace msquic_py::apps
