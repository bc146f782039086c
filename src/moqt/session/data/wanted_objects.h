#pragma once

#include <cstdint>

#include "moqt/model/location.h"
#include "moqt/model/object_filter.h"
#include "moqt/session/wanted_locations.h"

namespace msquic_py::moqt::session {

/// What one subscription asks for, as its subscriber knows it: where several share a Track Alias, that tells whose an
/// object is (draft-22 section 3.1).
struct WantedObjects {
  bool forward = true;
  /// An update is with the publisher: what was asked for comes, or what is asked for now.
  bool changing = false;
  WantedLocations locations;
  ObjectFilter objects;  ///< the Range Filters

  /// Whether a stream of that group may have objects for it.
  [[nodiscard]] bool wants_some_of(std::uint64_t group) const noexcept {
    return changing || (forward && locations.covers_some_of(group));
  }
  /// `property(type)` gives the number that the object has as that property, or nothing.
  template <class Property>
  [[nodiscard]] bool wants(Location location, const ObjectFilter::Object& object, Property property) const {
    return changing || (forward && locations.covers(location) && objects.passes(object, property));
  }
};

}  // namespace msquic_py::moqt::session
