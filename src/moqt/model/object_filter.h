#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "moqt/model/parameter.h"
#include "moqt/model/range_filter.h"

namespace msquic_py::moqt {

/// Range Filters of one request (draft-22 section 3.3.2): of each set all are to be passed, and one set is enough.
class RangeFilterSet {
 public:
  [[nodiscard]] bool empty() const noexcept { return filters_.empty(); }
  struct Entry {
    MessageParameter type;
    RangeFilter filter;
  };
  [[nodiscard]] const std::vector<Entry>& filters() const noexcept { return filters_; }
  /// Of all filters together: what MAX_FILTER_RANGES limits.
  [[nodiscard]] std::size_t ranges() const noexcept;

  /// Why a message may not have these, or an update not ask for them, whatever the limit is: the answer is
  /// INVALID_FILTER. Those of a fill inside are looked at, too.
  static std::optional<std::string_view> fault(const std::vector<Parameter>& parameters);
  /// Whether a message has any, a fill inside included, that does not take one back.
  static bool any(const std::vector<Parameter>& parameters);
  /// Whether a message says something of filters of that type.
  static bool has(const std::vector<Parameter>& parameters, MessageParameter type) noexcept;
  /// Those of the message alone, without those of a fill inside.
  static std::size_t ranges(const std::vector<Parameter>& parameters) noexcept;

 protected:
  /// Takes those of `first` to `last` over: what the message has of a type replaces all there was of it.
  void take(const std::vector<Parameter>& parameters, MessageParameter first, MessageParameter last);

  /// `value_of(type, property)` gives the number that a filter of that type looks at; nothing passes no filter.
  template <class Value>
  [[nodiscard]] bool passes(Value value_of) const {
    if (filters_.empty()) return true;
    std::bitset<256> sets, failed;
    for (const Entry& each : filters_) {
      sets.set(each.filter.set_id);
      if (failed.test(each.filter.set_id)) continue;
      const std::optional<std::uint64_t> value = value_of(each.type, each.filter.property_type);
      if (!value || !each.filter.covers(*value)) failed.set(each.filter.set_id);
    }
    return sets != failed;
  }

 private:
  std::vector<Entry> filters_;
};

/// Those that say which objects are wanted.
class ObjectFilter : public RangeFilterSet {
 public:
  struct Object {
    std::optional<std::uint64_t> subgroup;  ///< nothing for one that travels as a datagram
    std::uint64_t id = 0;
    std::uint8_t publisher_priority = 0;
  };
  void take(const std::vector<Parameter>& parameters) {
    RangeFilterSet::take(parameters, MessageParameter::kSubgroupFilter, MessageParameter::kObjectPropertyFilter);
  }
  /// `property(type)` gives the number that the object has as that property, or nothing.
  template <class Property>
  [[nodiscard]] bool passes(const Object& object, Property property) const {
    return RangeFilterSet::passes([&](MessageParameter type, std::uint64_t of) -> std::optional<std::uint64_t> {
      switch (type) {
        case MessageParameter::kSubgroupFilter: return object.subgroup;
        case MessageParameter::kObjectIdFilter: return object.id;
        case MessageParameter::kPriorityFilter: return object.publisher_priority;
        default: return property(of);
      }
    });
  }
};

/// Those that say which tracks are wanted.
class TrackFilter : public RangeFilterSet {
 public:
  void take(const std::vector<Parameter>& parameters) {
    RangeFilterSet::take(parameters, MessageParameter::kTrackPropertyFilter, MessageParameter::kTrackPropertyFilter);
  }
  /// `property(type)` gives the number that the track has as that property, or nothing.
  template <class Property>
  [[nodiscard]] bool passes(Property property) const {
    return RangeFilterSet::passes([&](MessageParameter, std::uint64_t of) { return property(of); });
  }
};

}  // namespace msquic_py::moqt
