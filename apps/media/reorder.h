#pragma once

#include <cstddef>

#include "media/libav.h"

namespace msquic_py::apps {

/// How many frames a decoder of this stream may hold back before it shows one: 0 for audio, and where frames are shown
/// in the order in which they are decoded. `key_frame` is one that a decoder may begin with.
std::size_t reorder_depth(const AVCodecParameters& parameters, const AVPacket& key_frame);

}  // namespace msquic_py::apps
