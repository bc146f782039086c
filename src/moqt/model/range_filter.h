#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace msquic_py::moqt {

/// The value of a Range Filter parameter (draft-22 section 3.3.2): which values pass. Filters of one set are all to be
/// passed, and one set is enough.
struct RangeFilter {
  /// Both ends are included; without an end everything from `start` on passes.
  struct Range {
    std::uint64_t start = 0;
    std::optional<std::uint64_t> end{};
    bool operator==(const Range&) const = default;
  };

  std::uint8_t set_id = 0;
  std::uint64_t property_type = 0;  ///< counts for OBJECT_PROPERTY_FILTER and TRACK_PROPERTY_FILTER
  std::vector<Range> ranges{};      ///< ascending
  bool removed = false;  ///< in REQUEST_UPDATE: there is no such filter any more; the rest is without meaning
  bool valid = true;     ///< false for what a peer wrote above 2^64-1: the answer is INVALID_FILTER

  [[nodiscard]] bool covers(std::uint64_t value) const noexcept {
    for (const Range& range : ranges) {
      if (value >= range.start && (!range.end || value <= *range.end)) return true;
    }
    return false;
  }
  bool operator==(const RangeFilter&) const = default;
};

}  // namespace msquic_py::moqt
