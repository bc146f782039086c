#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/model/location.h"

namespace msquic_py::moqt {

/// [d15 §5.1.2]. The first four numbers are those of drafts up to 19; the others have none there and cannot be sent.
enum class FilterType : std::uint64_t {
  kNextGroupStart = 0x1,
  kLargestObject = 0x2,
  kAbsoluteStart = 0x3,
  kAbsoluteRange = 0x4,
  kUnfiltered = 0x100,         ///< removes the filter (draft-22 section 9.20.9)
  kRelativeGroup = 0x101,      ///< from a group before the next one on
  kAbsoluteLocations = 0x102,  ///< the end is a Location, not a whole group
};

std::string_view name(FilterType type) noexcept;

/// Which objects of a subscription are wanted. `start` counts for the absolute types, `end_group` (absolute, the whole
/// group included) for kAbsoluteRange and kAbsoluteLocations; elsewhere they are zero.
struct SubscriptionFilter {
  FilterType type = FilterType::kLargestObject;
  Location start{};
  std::uint64_t end_group = 0;
  std::uint64_t end_object = 0;   ///< the last one wanted of `end_group`; for kAbsoluteLocations
  std::uint64_t groups_back = 0;  ///< 1 is the group of the largest object; for kRelativeGroup

  static constexpr SubscriptionFilter next_group_start() noexcept { return {FilterType::kNextGroupStart}; }
  static constexpr SubscriptionFilter largest_object() noexcept { return {FilterType::kLargestObject}; }
  static constexpr SubscriptionFilter absolute_start(Location start) noexcept {
    return {FilterType::kAbsoluteStart, start};
  }
  static constexpr SubscriptionFilter absolute_range(Location start, std::uint64_t end_group) noexcept {
    return {FilterType::kAbsoluteRange, start, end_group};
  }
  static constexpr SubscriptionFilter unfiltered() noexcept { return {FilterType::kUnfiltered}; }
  static constexpr SubscriptionFilter relative_group(std::uint64_t groups_back) noexcept {
    return {FilterType::kRelativeGroup, {}, 0, 0, groups_back};
  }
  static constexpr SubscriptionFilter absolute_locations(Location start, Location last) noexcept {
    return {FilterType::kAbsoluteLocations, start, last.group, last.object};
  }

  /// Whether `start` is the first location wanted, wherever the track is.
  [[nodiscard]] constexpr bool absolute() const noexcept { return type == FilterType::kAbsoluteStart || ends(); }
  /// Whether it wants nothing behind `end_group`.
  [[nodiscard]] constexpr bool ends() const noexcept {
    return type == FilterType::kAbsoluteRange || type == FilterType::kAbsoluteLocations;
  }

  /// False for a range that ends in a group before its start; the draft forbids sending one and names no error
  /// for receiving it, so it decodes, and the session answers INVALID_RANGE.
  [[nodiscard]] constexpr bool valid() const noexcept { return !ends() || end_group >= start.group; }

  /// The first location wanted, given the largest one known when the filter takes effect (nothing: no object yet).
  [[nodiscard]] Location resolve_start(std::optional<Location> largest) const noexcept;
  /// The last group wanted, or nothing when the filter is open-ended.
  [[nodiscard]] constexpr std::optional<std::uint64_t> last_group() const noexcept {
    return ends() ? std::optional(end_group) : std::nullopt;
  }
  /// The last object wanted of that group.
  [[nodiscard]] constexpr std::uint64_t last_object() const noexcept {
    return type == FilterType::kAbsoluteLocations ? end_object : ~std::uint64_t{0};
  }

  bool operator==(const SubscriptionFilter&) const noexcept = default;
};

}  // namespace msquic_py::moqt
