#include "base/varint.h"

namespace msquic_py::base {

std::size_t encode_varint(std::uint64_t value, std::uint8_t* out) noexcept {
  const std::size_t size = varint_size(value);
  if (size == 0) return 0;
  // The two high bits of the first byte are the base-2 logarithm of the size.
  const unsigned prefix = size == 1 ? 0u : size == 2 ? 1u : size == 4 ? 2u : 3u;
  for (std::size_t i = size; i-- > 0;) {
    out[i] = static_cast<std::uint8_t>(value & 0xff);
    value >>= 8;
  }
  out[0] = static_cast<std::uint8_t>(out[0] | (prefix << 6));
  return size;
}

std::optional<Varint> decode_varint(Bytes bytes) noexcept {
  if (bytes.empty()) return std::nullopt;
  const std::size_t size = varint_size_from_first_byte(bytes[0]);
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t value = bytes[0] & 0x3fu;
  for (std::size_t i = 1; i < size; ++i) value = (value << 8) | bytes[i];
  return Varint{value, size};
}

}  // namespace msquic_py::base
