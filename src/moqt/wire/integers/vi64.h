#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace msquic_py::moqt::wire {

/// The integers of drafts from 17 on, vi64 (draft-18 section 1.4.1): as many bytes follow the first as it has leading
/// ones, and all 64 bits have an encoding.
struct Vi64 {
  static constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

  /// Bytes of the shortest encoding: seven bits of the number in each, but all 64 in nine.
  static constexpr std::size_t size(std::uint64_t value) noexcept {
    const auto bits = static_cast<std::size_t>(std::bit_width(value));
    if (bits <= 7) return 1;
    return bits > 56 ? 9 : (bits + 6) / 7;
  }
  static std::size_t encode(std::uint64_t value, std::uint8_t* out) noexcept {
    const std::size_t bytes = size(value);
    for (std::size_t i = bytes; i > 0; --i) {
      out[i - 1] = static_cast<std::uint8_t>(value);
      value >>= 8;
    }
    // In nine bytes the first one is ones only; in fewer the number reaches into it, behind the ones and a zero.
    out[0] = static_cast<std::uint8_t>(out[0] | (0xFF00u >> (bytes - 1)));
    return bytes;
  }

  /// False, and nothing consumed, when the number is not complete. Any length is good for a number that fits it.
  static bool read(const std::uint8_t*& at, const std::uint8_t* end, std::uint64_t& value) noexcept {
    if (at == end) return false;
    const std::uint8_t first = *at;
    if (first < 0x80) {
      value = first;
      ++at;
      return true;
    }
    return read_long(first, at, end, value);
  }

 private:
  static bool read_long(std::uint8_t first, const std::uint8_t*& at, const std::uint8_t* end,
                        std::uint64_t& value) noexcept {
    const auto more = static_cast<std::size_t>(std::countl_one(first));
    if (static_cast<std::size_t>(end - at) <= more) return false;
    std::uint64_t number = first & (0x7Fu >> more);
    for (std::size_t i = 1; i <= more; ++i) number = (number << 8) | at[i];
    at += more + 1;
    value = number;
    return true;
  }
};

}  // namespace msquic_py::moqt::wire
