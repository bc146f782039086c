#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace msquic_py::moqt::wire {

/// Builds what precedes a payload in memory of its own, for one append to the output. 64 bytes hold seven integers of
/// any draft.
template <class Integers>
class HeaderScratch {
 public:
  void put(std::uint64_t value) noexcept { size_ += Integers::encode(value, bytes_ + size_); }
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

/// Whether the draft can write all of these numbers.
template <class Integers, class... Numbers>
constexpr bool all_fit(Numbers... numbers) noexcept {
  if constexpr (Integers::kLargest == ~std::uint64_t{0}) {
    return true;
  } else {
    return ((numbers <= Integers::kLargest) && ...);
  }
}

}  // namespace msquic_py::moqt::wire
