#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace msquic_py::base {

/// A cursor over bytes. A read either succeeds and advances, or returns nothing and leaves the cursor where it
/// was; what nothing means ("more will come" or "malformed") is the caller's to say.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) noexcept : bytes_(bytes) {}

  std::optional<std::uint8_t> read_u8() noexcept;
  std::optional<std::uint16_t> read_u16() noexcept;  ///< big-endian
  std::optional<std::uint64_t> read_varint() noexcept;
  std::optional<Bytes> read_bytes(std::uint64_t count) noexcept;

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  [[nodiscard]] bool at_end() const noexcept { return remaining() == 0; }
  [[nodiscard]] Bytes rest() const noexcept { return bytes_.subspan(position_); }
  /// The bytes between two positions of this reader.
  [[nodiscard]] Bytes between(std::size_t begin, std::size_t end) const noexcept {
    return bytes_.subspan(begin, end - begin);
  }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
};

}  // namespace msquic_py::base
