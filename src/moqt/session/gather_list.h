#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

#include "base/shared_bytes.h"

namespace msquic_py::moqt::session {

/// A few slices that go out one after the other. Fixed room, so that an action needs no allocation; a burst that
/// does not fit becomes several actions.
class GatherList {
 public:
  static constexpr std::size_t kCapacity = 8;

  [[nodiscard]] bool full() const noexcept { return count_ == kCapacity; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// All bytes of all slices.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  void push(base::SharedBytes slice) noexcept {
    assert(!full());
    bytes_ += slice.size();
    slices_[count_++] = std::move(slice);
  }
  const base::SharedBytes& operator[](std::size_t position) const noexcept { return slices_[position]; }
  [[nodiscard]] const base::SharedBytes* begin() const noexcept { return slices_.data(); }
  [[nodiscard]] const base::SharedBytes* end() const noexcept { return slices_.data() + count_; }

 private:
  std::array<base::SharedBytes, kCapacity> slices_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace msquic_py::moqt::session
