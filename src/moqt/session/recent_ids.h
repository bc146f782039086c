#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace msquic_py::moqt::session {

/// The latest IDs put in, bounded: for telling a race with the peer from a mistake of the peer.
class RecentIds {
 public:
  void add(std::uint64_t id) noexcept {
    ids_[next_] = id;
    next_ = (next_ + 1) % ids_.size();
    count_ = std::min(count_ + 1, ids_.size());
  }
  [[nodiscard]] bool contains(std::uint64_t id) const noexcept {
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count_);
    return std::find(ids_.begin(), end, id) != end;
  }
  /// Takes the ID out; false when it was not there.
  bool take(std::uint64_t id) noexcept {
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto found = std::find(ids_.begin(), end, id);
    if (found == end) return false;
    *found = kNone;
    return true;
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};  // larger than any Request ID
  std::array<std::uint64_t, 128> ids_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace msquic_py::moqt::session
