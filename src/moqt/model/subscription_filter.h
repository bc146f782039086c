#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/model/location.h"

namespace msquic_py::moqt {

/// [d15 §5.1.2].
enum class FilterType : std::uint64_t {
  kNextGroupStart = 0x1,
  kLargestObject = 0x2,
  kAbsoluteStart = 0x3,
  kAbsoluteRange = 0x4,
};

std::string_view name(FilterType type) noexcept;

/// Which objects of a subscription are wanted. `start` counts for the two absolute types, `end_group` (absolute,
/// the whole group included) for kAbsoluteRange; elsewhere they are zero.
struct SubscriptionFilter {
  FilterType type = FilterType::kLargestObject;
  Location start{};
  std::uint64_t end_group = 0;

  static constexpr SubscriptionFilter next_group_start() noexcept { return {FilterType::kNextGroupStart, {}, 0}; }
  static constexpr SubscriptionFilter largest_object() noexcept { return {FilterType::kLargestObject, {}, 0}; }
  static constexpr SubscriptionFilter absolute_start(Location start) noexcept {
    return {FilterType::kAbsoluteStart, start, 0};
  }
  static constexpr SubscriptionFilter absolute_range(Location start, std::uint64_t end_group) noexcept {
    return {FilterType::kAbsoluteRange, start, end_group};
  }

  /// False for a range that ends in a group before its start; the draft forbids sending one and names no error
  /// for receiving it, so it decodes, and the session answers INVALID_RANGE.
  [[nodiscard]] constexpr bool valid() const noexcept {
    return type != FilterType::kAbsoluteRange || end_group >= start.group;
  }

  /// The first location wanted, given the largest one known when the filter takes effect (nothing: no object yet).
  [[nodiscard]] Location resolve_start(std::optional<Location> largest) const noexcept;
  /// The last group wanted, or nothing when the filter is open-ended.
  [[nodiscard]] constexpr std::optional<std::uint64_t> last_group() const noexcept {
    return type == FilterType::kAbsoluteRange ? std::optional(end_group) : std::nullopt;
  }

  bool operator==(const SubscriptionFilter&) const noexcept = default;
};

}  // namespace msquic_py::moqt
