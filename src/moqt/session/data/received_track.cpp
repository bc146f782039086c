#include "moqt/session/data/received_track.h"

namespace msquic_py::moqt::session {

std::optional<MalformedTrack> ReceivedTrack::on_object(Location location, ObjectStatus status,
                                                       ForwardingPreference preference) noexcept {
  if (preference_.value_or(preference) != preference) return MalformedTrack::kForwardingPreferenceChanged;
  preference_ = preference;

  // The object that says where something ends stands one past the last one itself.
  if (end_of_track_ && location >= *end_of_track_ && !(location == *end_of_track_ && status == ObjectStatus::kEndOfTrack)) {
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  for (const auto& last : group_ends_) {
    if (last && last->group == location.group && location.object > last->object && status == ObjectStatus::kNormal) {
      return MalformedTrack::kObjectAfterEndOfGroup;
    }
  }
  if (status == ObjectStatus::kEndOfTrack) end_of_track_ = location;
  if (status == ObjectStatus::kEndOfGroup && location.object > 0) on_group_end(location.group, location.object - 1);
  return std::nullopt;
}

void ReceivedTrack::on_group_end(std::uint64_t group, std::uint64_t last_object) noexcept {
  group_ends_[next_group_end_] = Location{group, last_object};
  next_group_end_ = (next_group_end_ + 1) % kRememberedGroups;
}

}  // namespace msquic_py::moqt::session
