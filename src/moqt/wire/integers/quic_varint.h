#pragma once

#include <cstddef>
#include <cstdint>

#include "base/varint.h"

namespace msquic_py::moqt::wire {

/// The integers of drafts up to 16: those of QUIC [d15 §1.4]. Reading is inline because every object passes here.
struct QuicVarint {
  static constexpr std::uint64_t kLargest = base::kVarintMax;

  /// Bytes of the shortest encoding; 0 above kLargest.
  static constexpr std::size_t size(std::uint64_t value) noexcept { return base::varint_size(value); }
  /// Writes that, of at most kLargest.
  static std::size_t encode(std::uint64_t value, std::uint8_t* out) noexcept { return base::encode_varint(value, out); }

  /// False, and nothing consumed, when the number is not complete.
  static bool read(const std::uint8_t*& at, const std::uint8_t* end, std::uint64_t& value) noexcept {
    if (at == end) return false;
    const std::uint8_t first = *at;
    if (first < 0x40) {
      value = first;
      ++at;
      return true;
    }
    return read_long(first, at, end, value);
  }

 private:
  static bool read_long(std::uint8_t first, const std::uint8_t*& at, const std::uint8_t* end,
                        std::uint64_t& value) noexcept {  // [d15 §1.4-2]
    const std::size_t size = base::varint_size_from_first_byte(first);
    if (static_cast<std::size_t>(end - at) < size) return false;
    std::uint64_t number = first & 0x3fu;
    switch (size) {
      case 2: number = (number << 8) | at[1]; break;
      case 4: number = (number << 24) | (std::uint64_t{at[1]} << 16) | (std::uint64_t{at[2]} << 8) | at[3]; break;
      default:
        number = (number << 56) | (std::uint64_t{at[1]} << 48) | (std::uint64_t{at[2]} << 40) |
                 (std::uint64_t{at[3]} << 32) | (std::uint64_t{at[4]} << 24) | (std::uint64_t{at[5]} << 16) |
                 (std::uint64_t{at[6]} << 8) | at[7];
    }
    at += size;
    value = number;
    return true;
  }
};

}  // namespace msquic_py::moqt::wire
