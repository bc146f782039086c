#pragma once

#include <compare>
#include <cstdint>

namespace msquic_py::moqt {

/// The place of an object in its track: group first, then object [d15 §1.4.1].
struct Location {
  std::uint64_t group = 0;
  std::uint64_t object = 0;
  auto operator<=>(const Location&) const noexcept = default;

  /// The place right behind it. Behind the last one that a group can have, the first of the next group.
  [[nodiscard]] constexpr Location next() const noexcept {
    const std::uint64_t behind = object + 1;
    return behind == 0 ? Location{group + 1, 0} : Location{group, behind};
  }
};

}  // namespace msquic_py::moqt
