#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace msquic_py::base {

/// The largest value of a QUIC variable-length integer, 2^62 - 1 (RFC 9000 section 16).
inline constexpr std::uint64_t kVarintMax = (std::uint64_t{1} << 62) - 1;
inline constexpr std::size_t kVarintMaxSize = 8;

/// Bytes of the shortest encoding of `value`: 1, 2, 4 or 8; 0 when `value` exceeds kVarintMax.
constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  if (value < (1u << 6)) return 1;
  if (value < (1u << 14)) return 2;
  if (value < (1u << 30)) return 4;
  return value <= kVarintMax ? 8 : 0;
}

/// Bytes that the encoding starting with `first` occupies: 1, 2, 4 or 8.
constexpr std::size_t varint_size_from_first_byte(std::uint8_t first) noexcept {
  return std::size_t{1} << (first >> 6);
}

/// Writes the shortest encoding of `value` to `out`, which has room for kVarintMaxSize bytes.
/// Returns the bytes written; 0 when `value` exceeds kVarintMax, and then `out` is untouched.
std::size_t encode_varint(std::uint64_t value, std::uint8_t* out) noexcept;

struct Varint {
  std::uint64_t value;
  std::size_t size;  ///< bytes it occupied; may be longer than the shortest encoding
};

/// The varint at the beginning of `bytes`, minimal or not; nothing when it is not complete yet.
std::optional<Varint> decode_varint(Bytes bytes) noexcept;

}  // namespace msquic_py::base
