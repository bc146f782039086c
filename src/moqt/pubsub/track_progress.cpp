#include "moqt/pubsub/track_progress.h"

#include <algorithm>
#include <limits>

namespace msquic_py::moqt::pubsub {

namespace {

/// Behind every Object ID: a group that has it is complete.
constexpr std::uint64_t kRest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

bool TrackProgress::take(Location place, session::Time now) {
  if (place < floor_) {
    ++repeated_;
    return false;
  }
  auto [entry, begins] = groups_.try_emplace(place.group);
  Group& group = entry->second;
  if (!begins && group.objects.contains(place.object)) {
    ++repeated_;
    return false;
  }
  group.objects.add(place.object);
  if (begins) group.began = now;
  group.latest = now;
  if (!largest_ || *largest_ < place) largest_ = place;
  if (begins || group.objects.intervals().size() > kMostGaps) settle(now);
  return true;
}

void TrackProgress::end_group(Location place, session::Time now) {
  if (place.group < floor_.group) return;
  auto [entry, begins] = groups_.try_emplace(place.group);
  entry->second.objects.add(place.object, kRest);
  if (begins) entry->second.began = entry->second.latest = now;
}

void TrackProgress::pass(Location place) {
  if (place <= floor_) return;
  floor_ = place;
  drop_below_floor();
}

void TrackProgress::restart(Location floor) {
  groups_.clear();
  largest_.reset();
  floor_ = floor;
}

Location TrackProgress::floor(session::Time now) {
  settle(now);
  return floor_;
}

void TrackProgress::drop_below_floor() { groups_.erase(groups_.begin(), groups_.lower_bound(floor_.group)); }

void TrackProgress::settle(std::optional<session::Time> now) {
  const auto old = [&](session::Time since) { return now && since != session::Time{} && *now - since >= kPatience; };
  for (;;) {
    const auto entry = groups_.find(floor_.group);
    const auto later = groups_.upper_bound(floor_.group);
    const bool others_are_old = later != groups_.end() && old(later->second.began);
    if (entry != groups_.end()) {
      const objects::IntervalSet& objects = entry->second.objects;
      if (objects.contains(floor_.object)) {
        const std::uint64_t last = objects.last_of_run(floor_.object);
        if (last < kRest) {
          floor_.object = last + 1;
        } else {
          floor_ = {floor_.group + 1, 0};
          drop_below_floor();
        }
        continue;
      }
      // A gap inside of the group.
      const std::uint64_t next = objects.first_from(floor_.object);
      const bool inside = next != kRest;
      const bool too_many = objects.intervals().size() > kMostGaps;
      if (inside && (too_many || (old(entry->second.latest) && others_are_old))) {
        floor_.object = next;
        continue;
      }
      if (inside) return;
    }
    // The rest of this group, or all of it, and the groups up to the next one that is known.
    if (!others_are_old) return;
    if (entry != groups_.end() && !old(entry->second.latest)) return;
    floor_ = {later->first, 0};
    drop_below_floor();
  }
}

}  // namespace msquic_py::moqt::pubsub
