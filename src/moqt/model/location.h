#pragma once

#include <compare>
#include <cstdint>

namespace msquic_py::moqt {

/// The place of an object in its track: group first, then object [d15 §1.4.1].
struct Location {
  std::uint64_t group = 0;
  std::uint64_t object = 0;
  auto operator<=>(const Location&) const noexcept = default;
};

}  // namespace msquic_py::moqt
