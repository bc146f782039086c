#pragma once

#include <nanobind/nanobind.h>

#include "moqt/objects/delivery_account.h"

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

}  // namespace msquic_py::python
