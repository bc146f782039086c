#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "base/shared_bytes.h"

namespace msquic_py::transport::memory {

/// A piece of a stream, as a packet carries it.
struct Chunk {
  std::uint64_t offset = 0;
  std::vector<base::SharedBytes> pieces;
  std::size_t size = 0;
  bool fin = false;
};

/// The direction of a stream that this endpoint writes: what waits, what is on the way, what has arrived.
class OutgoingHalf {
 public:
  struct Completed {
    std::uint64_t token = 0;
    std::size_t bytes = 0;
  };

  explicit OutgoingHalf(std::uint64_t limit) noexcept : limit_(limit) {}

  /// False when the direction has ended.
  bool append(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token);
  /// The peer admits bytes up to this offset.
  void raise_limit(std::uint64_t limit) noexcept;

  /// Whether take() has something: lost bytes again, or new ones for which `credit` of the connection is left.
  [[nodiscard]] bool sendable(std::uint64_t credit) const noexcept;
  Chunk take(std::size_t most, std::uint64_t credit);
  void lose(Chunk chunk);
  void acknowledge(const Chunk& chunk);
  /// The sends that have arrived since the last call, in order.
  std::vector<Completed> take_completed();
  /// Ends the direction; the sends that have not arrived.
  std::vector<Completed> abandon();

  [[nodiscard]] bool ended() const noexcept { return fin_ || reset_; }
  [[nodiscard]] bool was_reset() const noexcept { return reset_; }
  [[nodiscard]] bool all_arrived() const noexcept { return fin_arrived_ && arrived() == appended_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }  ///< the highest offset that ever left
  [[nodiscard]] bool held_up() const noexcept { return sent_ < appended_ && sent_ >= limit_; }

 private:
  struct Send {
    std::uint64_t end;
    std::size_t bytes;
    std::uint64_t token;
    bool fin;
  };
  [[nodiscard]] std::uint64_t arrived() const noexcept;

  std::deque<base::SharedBytes> unsent_;
  std::deque<Send> sends_;  // that have not arrived as a whole
  std::deque<Chunk> lost_;
  std::map<std::uint64_t, std::uint64_t> arrived_;  // begin to end; ranges do not touch
  std::uint64_t appended_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t limit_;
  bool fin_ = false;
  bool fin_sent_ = false;
  bool fin_arrived_ = false;
  bool reset_ = false;
};

}  // namespace msquic_py::transport::memory
