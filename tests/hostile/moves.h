#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace msquic_py::hostile {

/// What a player decides, out of bytes that a fuzzer or a generator has made. When they are used up, every decision is
/// 0.
class Moves {
 public:
  explicit Moves(base::Bytes bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool over() const noexcept { return rest_.empty(); }
  /// Below `limit`, which is at most 256.
  std::size_t choose(std::size_t limit) noexcept { return limit == 0 ? 0 : byte() % limit; }
  bool flip() noexcept { return (byte() & 1) != 0; }
  /// Small as a rule, now and then of any size.
  std::uint64_t number() noexcept {
    const std::uint8_t first = byte();
    if (first < 224) return first % 8;
    std::uint64_t value = 0;
    for (int bytes = first % 8; bytes >= 0; --bytes) value = value << 8 | byte();
    return value;
  }
  std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  base::Bytes bytes(std::size_t most) noexcept {
    const std::size_t wanted = choose(most + 1);  // takes a byte of the rest itself
    const base::Bytes taken = rest_.first(std::min(rest_.size(), wanted));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  base::Bytes rest_;
};

}  // namespace msquic_py::hostile
