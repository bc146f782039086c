#include "moqt/model/subscription_filter.h"

namespace msquic_py::moqt {

std::string_view name(FilterType type) noexcept {
  switch (type) {
    case FilterType::kNextGroupStart: return "NEXT_GROUP_START";
    case FilterType::kLargestObject: return "LARGEST_OBJECT";
    case FilterType::kAbsoluteStart: return "ABSOLUTE_START";
    case FilterType::kAbsoluteRange: return "ABSOLUTE_RANGE";
    case FilterType::kUnfiltered: return "UNFILTERED";
    case FilterType::kRelativeGroup: return "RELATIVE_GROUP";
    case FilterType::kAbsoluteLocations: return "ABSOLUTE_LOCATIONS";
  }
  return "UNKNOWN";
}

Location SubscriptionFilter::resolve_start(std::optional<Location> largest) const noexcept {  // [d15 §5.1.2-3]
  switch (type) {
    case FilterType::kNextGroupStart: return largest ? Location{largest->group + 1, 0} : Location{};
    case FilterType::kLargestObject: return largest ? Location{largest->group, largest->object + 1} : Location{};
    case FilterType::kRelativeGroup:  // draft-22 section 9.20.9: a start before the first group is the first group
      return largest && largest->group + 1 > groups_back ? Location{largest->group + 1 - groups_back, 0} : Location{};
    case FilterType::kUnfiltered: return {};
    case FilterType::kAbsoluteStart:
    case FilterType::kAbsoluteRange:
    case FilterType::kAbsoluteLocations: break;
  }
  return start;
}

}  // namespace msquic_py::moqt
