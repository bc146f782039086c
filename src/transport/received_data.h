#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace msquic_py::transport {

/// Bytes that arrived on a stream. The chunks are the carrier's memory, valid only during on_received().
struct ReceivedData {
  std::uint64_t size = 0;  ///< sum of the chunks
  std::span<const base::Bytes> chunks;
  /// The peer finished its direction with the last of these bytes; chunks may be empty. When fewer bytes than `size`
  /// are taken, the rest comes again later together with the fin.
  bool fin = false;
  /// The connection or the stream is over: what is not taken now is lost.
  bool last = false;
};

}  // namespace msquic_py::transport
