#include "base/byte_reader.h"

#include "base/varint.h"

namespace msquic_py::base {

std::optional<std::uint8_t> ByteReader::read_u8() noexcept {
  if (at_end()) return std::nullopt;
  return bytes_[position_++];
}

std::optional<std::uint16_t> ByteReader::read_u16() noexcept {
  if (remaining() < 2) return std::nullopt;
  const auto value = static_cast<std::uint16_t>((bytes_[position_] << 8) | bytes_[position_ + 1]);
  position_ += 2;
  return value;
}

std::optional<std::uint64_t> ByteReader::read_varint() noexcept {
  const auto varint = decode_varint(rest());
  if (!varint) return std::nullopt;
  position_ += varint->size;
  return varint->value;
}

std::optional<Bytes> ByteReader::read_bytes(std::uint64_t count) noexcept {
  if (count > remaining()) return std::nullopt;
  const Bytes bytes = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += static_cast<std::size_t>(count);
  return bytes;
}

}  // namespace msquic_py::base
