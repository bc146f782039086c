#include "moqt/objects/object_gaps.h"

#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::objects {

ObjectGaps gaps_before(Draft draft, base::Bytes raw, Location location) {
  const auto known = wire::inspect_extensions(draft, raw, location);
  if (!known.ok()) return {};
  return {known->prior_group_id_gap.value_or(0), known->prior_object_id_gap.value_or(0)};
}

}  // namespace msquic_py::moqt::objects
