#include "moqt/objects/delivery_account.h"

namespace msquic_py::moqt::objects {

DeliveryAccount& DeliveryAccount::operator+=(const DeliveryAccount& other) noexcept {
  published += other.published;
  delivered += other.delivered;
  filtered += other.filtered;
  unforwarded += other.unforwarded;
  timed_out += other.timed_out;
  skipped += other.skipped;
  stopped += other.stopped;
  no_stream += other.no_stream;
  reset += other.reset;
  too_large += other.too_large;
  dropped += other.dropped;
  waiting += other.waiting;
  return *this;
}

}  // namespace msquic_py::moqt::objects
