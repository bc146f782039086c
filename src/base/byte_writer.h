#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace msquic_py::base {

/// Appends to a byte vector that the caller owns and may reuse, so that a warmed-up writer allocates nothing.
class ByteWriter {
 public:
  explicit ByteWriter(ByteVector& out) noexcept : out_(out) {}

  void write_u8(std::uint8_t value);
  void write_u16(std::uint16_t value);  ///< big-endian
  /// The shortest encoding. `value` must not exceed kVarintMax: callers check what users hand in.
  void write_varint(std::uint64_t value);
  void write_bytes(Bytes bytes);
  /// Overwrites two bytes at `position`, written earlier, with a big-endian value.
  void patch_u16(std::size_t position, std::uint16_t value) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }

 private:
  ByteVector& out_;
};

}  // namespace msquic_py::base
