#pragma once

#include <cstdint>
#include <optional>

#include "moqt/model/location.h"
#include "moqt/model/subscription_filter.h"

namespace msquic_py::moqt::session {

/// The filter on Locations of a subscription [d15 §5.1.2]; relative filters are resolved.
struct WantedLocations {
  Location start{};
  std::optional<std::uint64_t> last_group;
  std::uint64_t last_object = ~std::uint64_t{0};  ///< of that group

  /// Whether the filter passes an object at this place.
  [[nodiscard]] bool covers(Location location) const noexcept {
    return location >= start && (!last_group || location <= Location{*last_group, last_object});
  }
  /// Whether it passes any object of that group.
  [[nodiscard]] bool covers_some_of(std::uint64_t group) const noexcept {
    return group >= start.group && (!last_group || group <= *last_group);
  }
  /// The filter takes effect; `from`: the largest object that a relative one counts from.
  void apply(const SubscriptionFilter& filter, std::optional<Location> from) noexcept {
    start = filter.resolve_start(from);
    last_group = filter.last_group();
    last_object = filter.last_object();
  }
};

}  // namespace msquic_py::moqt::session
