#pragma once

#include <memory>

#include "transport/local/pair.h"
#include "transport/local/stream_state.h"
#include "transport/stream.h"

namespace msquic_py::transport::local {

/// The end `side` of a stream.
StreamHandle stream_handle(std::shared_ptr<Pair> pair, StreamPointer stream, Side side);

}  // namespace msquic_py::transport::local
