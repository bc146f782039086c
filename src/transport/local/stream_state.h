#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/shared_bytes.h"
#include "transport/stream.h"

namespace msquic_py::transport::local {

/// The two ends of a pair; also an index.
enum Side : std::size_t { kClient = 0, kServer = 1 };
constexpr Side other(Side side) noexcept { return side == kClient ? kServer : kClient; }

/// What one end writes on a stream, and the other reads.
struct Half {
  struct Send {
    std::uint64_t end;  ///< the offset behind its last byte
    std::uint64_t token;
    bool fin;
  };
  /// The writer may send: it has not finished or reset this direction, and the reader has not stopped it.
  [[nodiscard]] bool takes() const noexcept { return !fin && !given_up && !over; }

  std::vector<base::SharedBytes> waiting;  ///< what the reader has not taken
  std::deque<Send> sends;                  ///< not reported yet
  std::uint64_t posted = 0;                ///< bytes that were given to send()
  std::uint64_t taken = 0;
  bool fin = false;
  bool given_up = false;               ///< a reset or a stop is on its way
  std::optional<std::uint64_t> reset;  ///< its code, while the stream waits for its turn
  std::optional<std::uint64_t> stop;   ///< the same
  bool over = false;                   ///< the reader knows the end, or wants none
  bool paused = false;                 ///< the reader took less than it was offered
  bool resumed = false;                ///< while it was offered something
  bool scheduled = false;              ///< a delivery is on its way
};

struct StreamState {
  StreamState(std::uint64_t id_, Direction direction_, Side opener_, StreamKey key) noexcept
      : id(id_), direction(direction_), opener(opener_) {
    keys[opener] = key;
    if (direction == Direction::Unidirectional) halves[other(opener)].over = true;
  }

  const std::uint64_t id;
  const Direction direction;
  const Side opener;
  std::array<StreamKey, 2> keys{};  ///< of the opener's peer once it has taken the stream
  std::array<Half, 2> halves;       ///< by who writes
  bool wanted = false;              ///< something was sent, or reset: the peer is to know of it
  bool started = false;             ///< the peer admits it
  bool refused = false;
  bool closed = false;
};

}  // namespace msquic_py::transport::local
