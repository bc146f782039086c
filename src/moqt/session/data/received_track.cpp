#include "moqt/session/data/received_track.h"

namespace msquic_py::moqt::session {

std::optional<MalformedTrack> ReceivedTrack::on_object(Location location, ObjectStatus status,
                                                       ForwardingPreference preference) noexcept {
  // [d15 §2.4.2-10]
  if (preference_.value_or(preference) != preference) return MalformedTrack::kForwardingPreferenceChanged;
  preference_ = preference;

  // The object that says where something ends stands one past the last one itself; others may say the same there.
  const bool normal = status == ObjectStatus::kNormal;
  if (end_of_track_ && (location > *end_of_track_ || (location == *end_of_track_ && normal))) {  // [d15 §2.4.2-7]
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  if (normal) {
    for (const auto& end : group_ends_) {  // [d15 §2.4.2-6]
      if (end && end->group == location.group && location.object >= end->object)
        return MalformedTrack::kObjectAfterEndOfGroup;
    }
    if (!largest_ || *largest_ < location) largest_ = location;
    return std::nullopt;
  }
  if (status == ObjectStatus::kEndOfTrack) {
    if (largest_ && *largest_ >= location) return MalformedTrack::kObjectAfterEndOfTrack;  // [d15 §2.4.2-8]
    end_of_track_ = location;
  }
  if (status == ObjectStatus::kEndOfGroup) return on_group_end(location.group, location.object);
  return std::nullopt;
}

std::optional<MalformedTrack> ReceivedTrack::on_group_end(std::uint64_t group, std::uint64_t end) noexcept {
  if (largest_ && largest_->group == group && largest_->object >= end) return MalformedTrack::kObjectAfterEndOfGroup;
  for (const auto& known : group_ends_) {
    if (known && known->group == group) return std::nullopt;  // the first one counts
  }
  group_ends_[next_group_end_] = Location{group, end};
  next_group_end_ = (next_group_end_ + 1) % kRememberedGroups;
  return std::nullopt;
}

}  // namespace msquic_py::moqt::session
