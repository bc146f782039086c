#pragma once

#include "moqt/model/message_parameters.h"
#include "moqt/model/object_filter.h"
#include "moqt/objects/stored_subgroup.h"

namespace msquic_py::moqt::objects {

// What Range Filters (draft-22 section 3.3.2) let pass of what is stored.

/// Whether they let an object of that subgroup pass.
[[nodiscard]] bool passes(const ObjectFilter& filter, const StoredSubgroup& subgroup,
                          const StoredObject& object) noexcept;
/// Whether they let a track pass of which `said` has the properties.
[[nodiscard]] bool passes(const TrackFilter& filter, const MessageParameters& said) noexcept;

}  // namespace msquic_py::moqt::objects
