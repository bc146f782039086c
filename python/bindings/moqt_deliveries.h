#pragma once

#include <nanobind/nanobind.h>

#include "moqt/objects/delivery_account.h"
#include "moqt_refused_objects.h"

namespace msquic_py::python {

/// By the names that moqt.asyncio.DeliveryStatistics has.
inline nanobind::dict deliveries_dict(const moqt::objects::DeliveryAccount& account) {
  nanobind::dict values;
  values["published"] = account.published;
  values["delivered"] = account.delivered;
  values["filtered"] = account.filtered;
  values["unforwarded"] = account.unforwarded;
  values["timed_out"] = account.timed_out;
  values["skipped"] = account.skipped;
  values["stopped"] = account.stopped;
  values["no_stream"] = account.no_stream;
  values["reset"] = account.reset;
  values["too_large"] = account.too_large;
  values["dropped"] = account.dropped;
  values["waiting"] = account.waiting;
  return values;
}

inline constexpr const char* kTakeRefusal = "def take_refusal(self) -> tuple[int, int, str] | None";
/// (group ID, object ID, reason) of the first object since the last call that was not taken; None without one.
inline nanobind::object refusal_of(RefusedObjects& refused) {
  const auto refusal = refused.take();
  if (!refusal) return nanobind::none();
  return nanobind::make_tuple(refusal->place.group, refusal->place.object, refusal->reason.c_str());
}

}  // namespace msquic_py::python
