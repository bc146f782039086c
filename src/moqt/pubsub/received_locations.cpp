#include "moqt/pubsub/received_locations.h"

namespace msquic_py::moqt::pubsub {

bool ReceivedLocations::add(Location location) {
  if (latest_ == nullptr || latest_group_ != location.group) {
    const bool full = groups_.size() >= kGroups;
    if (full && location.group < groups_.begin()->first) return true;  // older than all that are remembered
    latest_ = &groups_[location.group];
    latest_group_ = location.group;
    if (groups_.size() > kGroups) groups_.erase(groups_.begin());
  }
  if (latest_->contains(location.object)) return false;
  latest_->add(location.object);
  latest_->keep_highest(kRuns);
  return true;
}

}  // namespace msquic_py::moqt::pubsub
