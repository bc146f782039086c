#pragma once

#include <cstdint>

namespace msquic_py::moqt::session {

/// Where a joining FETCH begins [d15 §9.16.2]; it ends where the subscription that it joins began.
struct JoiningStart {
  enum class Kind : std::uint8_t {
    kRelative,  ///< so many groups before the one with the largest object, and not before group 0
    kAbsolute,  ///< the Group ID
  };
  Kind kind = Kind::kRelative;
  std::uint64_t value = 0;

  static constexpr JoiningStart relative(std::uint64_t groups) noexcept { return {Kind::kRelative, groups}; }
  static constexpr JoiningStart absolute(std::uint64_t group) noexcept { return {Kind::kAbsolute, group}; }
  /// The first group wanted, where `largest` is the group of the largest object.
  [[nodiscard]] constexpr std::uint64_t group(std::uint64_t largest) const noexcept {
    if (kind == Kind::kAbsolute) return value;
    return value < largest ? largest - value : 0;
  }
};

}  // namespace msquic_py::moqt::session
