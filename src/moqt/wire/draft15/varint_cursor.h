#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/varint.h"

namespace msquic_py::moqt::wire::draft15 {

/// Reads QUIC varints, the integers of drafts up to 16, from a span; inline because every object passes here.
class VarintCursor {
 public:
  explicit VarintCursor(base::Bytes bytes) noexcept : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  /// False, and nothing consumed, when the number is not complete.
  bool read(std::uint64_t& value) noexcept {
    if (at_ == end_) return false;
    const std::uint8_t first = *at_;
    if (first < 0x40) {
      value = first;
      ++at_;
      return true;
    }
    return read_long(first, value);
  }
  bool read_byte(std::uint8_t& value) noexcept {
    if (at_ == end_) return false;
    value = *at_++;
    return true;
  }
  /// `count` is at most remaining().
  void skip(std::uint64_t count) noexcept { at_ += static_cast<std::size_t>(count); }

  [[nodiscard]] std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] base::Bytes rest() const noexcept { return {at_, remaining()}; }

 private:
  bool read_long(std::uint8_t first, std::uint64_t& value) noexcept {  // [d15 §1.4-2]
    const std::size_t size = base::varint_size_from_first_byte(first);
    if (remaining() < size) return false;
    std::uint64_t number = first & 0x3fu;
    switch (size) {
      case 2: number = (number << 8) | at_[1]; break;
      case 4: number = (number << 24) | (std::uint64_t{at_[1]} << 16) | (std::uint64_t{at_[2]} << 8) | at_[3]; break;
      default:
        number = (number << 56) | (std::uint64_t{at_[1]} << 48) | (std::uint64_t{at_[2]} << 40) |
                 (std::uint64_t{at_[3]} << 32) | (std::uint64_t{at_[4]} << 24) | (std::uint64_t{at_[5]} << 16) |
                 (std::uint64_t{at_[6]} << 8) | at_[7];
    }
    at_ += size;
    value = number;
    return true;
  }

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

/// Builds what precedes a payload in memory of its own, for one append to the output. 64 bytes hold seven varints.
class HeaderScratch {
 public:
  void put(std::uint64_t value) noexcept { size_ += base::encode_varint(value, bytes_ + size_); }
  void put_byte(std::uint8_t value) noexcept { bytes_[size_++] = value; }
  /// Appends what was put to `out` and starts over.
  void flush(base::ByteVector& out) {
    out.insert(out.end(), bytes_, bytes_ + size_);
    size_ = 0;
  }

 private:
  std::uint8_t bytes_[64];
  std::size_t size_ = 0;
};

}  // namespace msquic_py::moqt::wire::draft15
