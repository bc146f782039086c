#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/shared_bytes.h"
#include "transport/memory/bandwidth_model.h"
#include "transport/memory/outgoing_half.h"
#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

struct Datagram {
  base::SharedBytes bytes;
  std::uint64_t token = 0;
};

struct StreamPiece {
  std::uint64_t id = 0;  ///< of the stream
  Chunk chunk;
};

/// What goes from one endpoint to the other and is acknowledged.
struct Packet {
  std::uint64_t number = 0;
  std::size_t size = 0;
  Time sent;
  BandwidthModel::Sent measured;
  std::variant<StreamPiece, Datagram> content;
};

}  // namespace msquic_py::transport::memory
