#include "moqt/model/object_filter.h"

#include <algorithm>
#include <variant>

namespace msquic_py::moqt {

namespace {

bool of_property(std::uint64_t type) noexcept {
  return type == static_cast<std::uint64_t>(MessageParameter::kObjectPropertyFilter) ||
         type == static_cast<std::uint64_t>(MessageParameter::kTrackPropertyFilter);
}

/// Whether both are the same filter twice: of one type, in one set, about one property.
bool same_place(const Parameter& left, const Parameter& right) noexcept {
  const auto* one = std::get_if<RangeFilter>(&left.value);
  const auto* other = std::get_if<RangeFilter>(&right.value);
  if (one == nullptr || other == nullptr || left.type != right.type) return false;
  // What takes a type back, beside another of that type, says two things of it.
  if (one->removed || other->removed) return true;
  return one->set_id == other->set_id && (!of_property(left.type) || one->property_type == other->property_type);
}

bool above_a_byte(const RangeFilter& filter) noexcept {
  return std::any_of(filter.ranges.begin(), filter.ranges.end(),
                     [](const RangeFilter::Range& range) { return range.start > 255 || range.end.value_or(0) > 255; });
}

}  // namespace

std::size_t RangeFilterSet::ranges() const noexcept {
  std::size_t count = 0;
  for (const Entry& each : filters_) count += each.filter.ranges.size();
  return count;
}

std::size_t RangeFilterSet::ranges(const std::vector<Parameter>& parameters) noexcept {
  std::size_t count = 0;
  for (const Parameter& each : parameters) {
    if (const auto* filter = std::get_if<RangeFilter>(&each.value)) count += filter->ranges.size();
  }
  return count;
}

bool RangeFilterSet::has(const std::vector<Parameter>& parameters, MessageParameter type) noexcept {
  return std::any_of(parameters.begin(), parameters.end(), [&](const Parameter& each) {
    return each.type == static_cast<std::uint64_t>(type) && std::holds_alternative<RangeFilter>(each.value);
  });
}

bool RangeFilterSet::any(const std::vector<Parameter>& parameters) {
  return std::any_of(parameters.begin(), parameters.end(), [](const Parameter& each) {
    if (const auto* filter = std::get_if<RangeFilter>(&each.value)) return !filter->removed;
    const auto* fill = std::get_if<FillParameters>(&each.value);
    return fill != nullptr && any(fill->items);
  });
}

std::optional<std::string_view> RangeFilterSet::fault(const std::vector<Parameter>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (const auto* fill = std::get_if<FillParameters>(&parameters[i].value)) {
      if (const auto inside = fault(fill->items)) return inside;
    }
    const auto* filter = std::get_if<RangeFilter>(&parameters[i].value);
    if (filter == nullptr) continue;
    if (!filter->valid) return "a range ends above 2^64-1 (section 8.6)";
    if (of_property(parameters[i].type) && (filter->property_type & 1) != 0) {
      return "only properties that are numbers have ranges (section 9.20.13)";
    }
    const bool priority = parameters[i].type == static_cast<std::uint64_t>(MessageParameter::kPriorityFilter);
    if (priority && above_a_byte(*filter)) return "a priority above 255 (section 9.20.12)";
    for (std::size_t before = 0; before < i; ++before) {
      if (same_place(parameters[before], parameters[i])) return "a filter is there twice (section 3.3.2)";
    }
  }
  return std::nullopt;
}

void RangeFilterSet::take(const std::vector<Parameter>& parameters, MessageParameter first, MessageParameter last) {
  const auto ours = [&](const Parameter& each) {
    const auto type = static_cast<MessageParameter>(each.type);
    return first <= type && type <= last && std::holds_alternative<RangeFilter>(each.value);
  };
  for (const Parameter& each : parameters) {
    if (!ours(each)) continue;
    std::erase_if(filters_, [&](const Entry& known) { return static_cast<std::uint64_t>(known.type) == each.type; });
  }
  for (const Parameter& each : parameters) {
    if (!ours(each)) continue;
    const auto& filter = std::get<RangeFilter>(each.value);
    if (!filter.removed) filters_.push_back({static_cast<MessageParameter>(each.type), filter});
  }
}

}  // namespace msquic_py::moqt
