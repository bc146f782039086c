#include "moqt/session/data/received_fetch.h"

namespace msquic_py::moqt::session {

std::optional<MalformedTrack> ReceivedFetch::on_object(Location location, ObjectStatus status,
                                                       const wire::KnownExtensions& extensions) noexcept {
  auto malformed = check_order(location);
  if (!malformed) malformed = check_ends(location, status);
  if (!malformed) malformed = check_gaps(location, extensions);
  if (malformed) return malformed;
  previous_ = location;
  if (status == ObjectStatus::kNormal && (!largest_ || *largest_ < location)) largest_ = location;
  if (status == ObjectStatus::kEndOfGroup) end_of_group_ = location;
  if (status == ObjectStatus::kEndOfTrack) end_of_track_ = location;
  return std::nullopt;
}

std::optional<MalformedTrack> ReceivedFetch::check_order(Location location) const noexcept {  // [d15 §2.4.2-4]
  if (!previous_) return std::nullopt;
  if (location.group == previous_->group) {
    if (location.object <= previous_->object) return MalformedTrack::kFetchObjectNotAscending;
  } else if ((location.group > previous_->group) != (order_ == GroupOrder::kAscending)) {
    return MalformedTrack::kFetchGroupOutOfOrder;
  }
  return std::nullopt;
}

std::optional<MalformedTrack> ReceivedFetch::check_ends(Location location, ObjectStatus status) const noexcept {
  // What says where something ends stands one past the last object; others may say the same there.
  const bool normal = status == ObjectStatus::kNormal;
  if (end_of_track_ && (location > *end_of_track_ || (location == *end_of_track_ && normal))) {  // [d15 §2.4.2-7]
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  // [d15 §2.4.2-6]
  if (normal && end_of_group_ && end_of_group_->group == location.group && location.object >= end_of_group_->object) {
    return MalformedTrack::kObjectAfterEndOfGroup;
  }
  if (status == ObjectStatus::kEndOfTrack && largest_ && *largest_ >= location) {
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  return std::nullopt;
}

// [d15 §11.1-8]
std::optional<MalformedTrack> ReceivedFetch::check_gaps(Location location,
                                                        const wire::KnownExtensions& extensions) noexcept {
  const bool same_group = previous_ && previous_->group == location.group;
  if (last_missing_group_ && location.group >= first_missing_group_ && location.group <= *last_missing_group_) {
    return MalformedTrack::kObjectInGroupGap;
  }
  const std::uint64_t objects = extensions.prior_object_id_gap.value_or(0);
  if (same_group && objects > 0 && previous_->object >= location.object - objects) {
    return MalformedTrack::kPriorObjectIdGapCoversObject;
  }
  if (!same_group) group_gap_.reset();
  if (!extensions.prior_group_id_gap) return std::nullopt;
  const std::uint64_t groups = *extensions.prior_group_id_gap;
  if (group_gap_.value_or(groups) != groups) return MalformedTrack::kPriorGroupIdGapDiffersInGroup;
  group_gap_ = groups;
  if (groups == 0) return std::nullopt;
  if (previous_ && previous_->group < location.group && previous_->group >= location.group - groups) {
    return MalformedTrack::kPriorGroupIdGapCoversObject;
  }
  first_missing_group_ = location.group - groups;
  last_missing_group_ = location.group - 1;
  return std::nullopt;
}

std::optional<MalformedTrack> ReceivedFetch::on_end_of_track(Location end) noexcept {
  const FetchRange before{{}, end};
  if (largest_ && *largest_ > before.last()) return MalformedTrack::kObjectAfterEndOfTrack;
  Location place = before.last();
  ++place.object;
  if (!end_of_track_ || place < *end_of_track_) end_of_track_ = place;
  return std::nullopt;
}

}  // namespace msquic_py::moqt::session
