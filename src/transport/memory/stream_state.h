#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/memory/incoming_half.h"
#include "transport/memory/outgoing_half.h"
#include "transport/stream.h"

namespace msquic_py::transport::memory {

/// The place of a direction in a pair of counters.
constexpr std::size_t index_of(Direction direction) noexcept { return direction == Direction::Bidirectional ? 0 : 1; }

/// A stream as one of its endpoints sees it.
struct StreamState {
  Direction direction = Direction::Unidirectional;
  bool local = false;
  std::uint64_t number = 0;  ///< of the endpoint; in the order of opening
  /// Nothing: the peer's stream was refused, and nobody hears of it.
  std::optional<StreamKey> key;
  std::optional<std::uint64_t> id;  ///< once it has started
  bool admitted = true;             ///< the peer's limit on streams lets it send
  std::optional<OutgoingHalf> out;
  std::optional<IncomingHalf> in;
  std::uint16_t priority = kUsualPriority;
  std::uint64_t served = 0;                  ///< when it sent last, in packets of the connection
  std::optional<std::uint64_t> reset_waits;  ///< the code of a reset that waits for the peer's limit
  bool reset_arrived = false;
  bool resumed = false;  ///< resume_receive() was called since the latest on_received() began
  bool closed = false;
};

}  // namespace msquic_py::transport::memory
