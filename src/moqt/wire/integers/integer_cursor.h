#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace msquic_py::moqt::wire {

/// Reads the integers of a draft from a span; inline because every object passes here.
template <class Integers>
class IntegerCursor {
 public:
  explicit IntegerCursor(base::Bytes bytes) noexcept : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  /// False, and nothing consumed, when the number is not complete.
  bool read(std::uint64_t& value) noexcept { return Integers::read(at_, end_, value); }
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
  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace msquic_py::moqt::wire
