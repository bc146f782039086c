#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace msquic_py::moqt::session {

/// The latest IDs put in, at most `Capacity`: for telling a race with the peer from a mistake of the peer.
template <std::size_t Capacity>
class RecentIds {
 public:
  void add(std::uint64_t id) {
    if (ids_.size() < Capacity) {
      ids_.push_back(id);
    } else {
      ids_[next_] = id;
      next_ = (next_ + 1) % Capacity;
    }
  }
  [[nodiscard]] bool contains(std::uint64_t id) const noexcept {
    return std::find(ids_.begin(), ids_.end(), id) != ids_.end();
  }
  /// Takes the ID out; false when it was not there.
  bool take(std::uint64_t id) noexcept {
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    if (found == ids_.end()) return false;
    *found = kNone;
    return true;
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};  // larger than any number on the wire
  std::vector<std::uint64_t> ids_;
  std::size_t next_ = 0;  ///< the oldest, once the room is used up
};

}  // namespace msquic_py::moqt::session
