#include "moqt/session/data/received_track.h"

#include <algorithm>

namespace msquic_py::moqt::session {

ReceivedTrack::Receiver* ReceivedTrack::receiver(RequestHandle subscription) noexcept {
  const auto found = std::find_if(receivers.begin(), receivers.end(),
                                  [&](const Receiver& each) { return each.subscription == subscription; });
  return found == receivers.end() ? nullptr : &*found;
}

void ReceivedTrack::add(RequestHandle subscription, const WantedObjects& wanted) {
  receivers.push_back({subscription, wanted});
  shared = shared || receivers.size() > 1;
}

std::optional<MalformedTrack> ReceivedTrack::on_object(Location location, ObjectStatus status,
                                                       ForwardingPreference preference) noexcept {
  // [d15 §2.4.2-10]
  if (!mixed_ && preference_.value_or(preference) != preference) return MalformedTrack::kForwardingPreferenceChanged;
  preference_ = preference;
  uses_datagrams_ = uses_datagrams_ || preference == ForwardingPreference::kDatagram;

  // The object that says where something ends stands one past the last one itself; others may say the same there.
  const bool normal = status == ObjectStatus::kNormal;
  if (end_of_track_ && (location > *end_of_track_ || (location == *end_of_track_ && normal))) {  // [d15 §2.4.2-7]
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  if (normal) {
    const std::size_t place = place_of(location.group);
    if (place < known_ends_ && group_ends_[place].group == location.group &&
        location.object >= group_ends_[place].object) {
      return MalformedTrack::kObjectAfterEndOfGroup;  // [d15 §2.4.2-6]
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
  std::size_t place = place_of(group);
  if (place < known_ends_ && group_ends_[place].group == group) return std::nullopt;  // the first one counts
  if (known_ends_ == kRememberedGroups) {
    if (place == 0) return std::nullopt;  // older than all that are remembered
    std::move(group_ends_.begin() + 1, group_ends_.end(), group_ends_.begin());
    --known_ends_;
    --place;
  }
  const auto at = group_ends_.begin() + static_cast<std::ptrdiff_t>(place);
  const auto behind = group_ends_.begin() + static_cast<std::ptrdiff_t>(known_ends_);
  std::move_backward(at, behind, behind + 1);
  *at = {group, end};
  ++known_ends_;
  return std::nullopt;
}

std::size_t ReceivedTrack::place_of(std::uint64_t group) const noexcept {
  if (known_ends_ == 0 || group > group_ends_[known_ends_ - 1].group) return known_ends_;  // as most groups
  const auto behind = group_ends_.begin() + static_cast<std::ptrdiff_t>(known_ends_);
  const auto found = std::lower_bound(group_ends_.begin(), behind, group,
                                      [](const Location& end, std::uint64_t sought) { return end.group < sought; });
  return static_cast<std::size_t>(found - group_ends_.begin());
}

}  // namespace msquic_py::moqt::session
