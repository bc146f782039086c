#include "base/byte_writer.h"

#include <cassert>

#include "base/varint.h"

namespace msquic_py::base {

void ByteWriter::write_u8(std::uint8_t value) { out_.push_back(value); }

void ByteWriter::write_u16(std::uint16_t value) {
  out_.push_back(static_cast<std::uint8_t>(value >> 8));
  out_.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void ByteWriter::write_varint(std::uint64_t value) {
  assert(value <= kVarintMax);
  std::uint8_t encoded[kVarintMaxSize];
  const std::size_t size = encode_varint(value, encoded);
  out_.insert(out_.end(), encoded, encoded + size);
}

void ByteWriter::write_bytes(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

void ByteWriter::patch_u16(std::size_t position, std::uint16_t value) noexcept {
  out_[position] = static_cast<std::uint8_t>(value >> 8);
  out_[position + 1] = static_cast<std::uint8_t>(value & 0xff);
}

}  // namespace msquic_py::base
