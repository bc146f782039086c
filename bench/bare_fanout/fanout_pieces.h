#pragma once

#include <msquic.h>

#include <atomic>
#include <cstdint>

#include "base/shared_bytes.h"

namespace msquic_py::bench {

struct FanoutShape {
  double rate = 500;  ///< objects per second
  std::size_t payload_size = 1200;
  std::size_t objects_per_group = 50;
  bool datagrams = false;  ///< each object a datagram, in place of subgroup streams
  /// The first connection is a publisher, whose bytes are forwarded in place of what FanoutPieces makes.
  bool forward = false;
};

/// One object as every connection gets it; MsQuic reads it until the last of them has let go of it.
struct Piece {
  std::atomic<std::size_t> users;
  base::ByteVector bytes;
  QUIC_BUFFER buffer{};
  bool first = false;  ///< of its group: a new stream begins with it
  bool last = false;   ///< the stream ends with it

  void let_go(std::size_t times = 1) noexcept {
    if (users.fetch_sub(times, std::memory_order_acq_rel) == times) delete this;
  }
};

/// Makes the objects of a track in order, each with the bytes that a relay sends to its subscribers.
class FanoutPieces {
 public:
  static constexpr std::uint64_t kTrackAlias = 1;

  explicit FanoutPieces(const FanoutShape& shape) : shape_(shape) {}
  /// For `users` connections; each has to let go of it.
  Piece* next(std::size_t users);
  /// How many there have been. Any thread.
  [[nodiscard]] std::uint64_t count() const noexcept { return number_.load(std::memory_order_acquire); }

 private:
  const FanoutShape shape_;
  std::atomic<std::uint64_t> number_{0};
};

}  // namespace msquic_py::bench
