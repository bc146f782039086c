#include "moqt/objects/track_store.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace msquic_py::moqt::objects {

namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
/// What is kept for its age goes at this one, so that times can be added.
constexpr session::Duration kOldest = std::chrono::hours(24 * 365);

}  // namespace

// ---- writing ----

StoredGroup& TrackStore::group_of(std::uint64_t group, session::Time now) {
  if (const auto found = groups_.find(group); found != groups_.end()) {
    found->second.since = now;
    return found->second;
  }
  const std::uint64_t serial = next_serial_++;
  StoredGroup& made = groups_.emplace(group, StoredGroup(group, serial)).first->second;
  made.since = now;
  made.returned = dropped_groups_.contains(group);
  by_serial_.emplace(serial, group);
  bytes_ += kGroupRecord;
  group_records_.set(groups_.size() * kGroupRecord);
  absent_groups_.remove(group);
  return made;
}

std::unique_ptr<StoredSubgroup> TrackStore::fresh_subgroup(const session::SubgroupProperties& properties,
                                                           bool datagrams) {
  std::unique_ptr<StoredSubgroup> subgroup;
  if (spare_.empty()) {
    subgroup = std::make_unique<StoredSubgroup>(account_);
  } else {
    subgroup = std::move(spare_.back());
    spare_.pop_back();
  }
  subgroup->begin(properties, datagrams);
  bytes_ += subgroup->count_records();
  return subgroup;
}

TrackStore::Writable TrackStore::subgroup(const session::SubgroupProperties& properties, session::Time now) {
  StoredGroup& group = group_of(properties.group, now);
  auto& subgroup = group.subgroups[properties.subgroup.value_or(0)];
  if (!subgroup) subgroup = fresh_subgroup(properties, false);
  return {&group, subgroup.get()};
}

TrackStore::Writable TrackStore::datagrams(std::uint64_t group_id, session::Time now) {
  StoredGroup& group = group_of(group_id, now);
  if (!group.datagrams) {
    session::SubgroupProperties properties;
    properties.group = group_id;
    group.datagrams = fresh_subgroup(properties, true);
  }
  return {&group, group.datagrams.get()};
}

void TrackStore::note(Location location) noexcept {
  if (!largest_ || *largest_ < location) largest_ = location;
}

// ---- what is known ----

void TrackStore::set_known(Location start, Location end, session::Time now) {
  const bool whole = end.object == 0;
  // The groups at both ends are known in part: each needs a record of its own.
  if (start.object > 0 || (start.group == end.group && !whole)) (void)group_of(start.group, now);
  if (!whole) (void)group_of(end.group, now);
  std::uint64_t expected = start.group;  // the next group of the range that has not been looked at
  for (auto entry = groups_.lower_bound(start.group); entry != groups_.end() && entry->first <= end.group; ++entry) {
    if (entry->first > expected) absent_groups_.add(expected, entry->first - 1);
    expected = entry->first + 1;
    StoredGroup& group = entry->second;
    const std::uint64_t stop = entry->first < end.group || whole ? kNoEnd : end.object;
    std::uint64_t id = entry->first == start.group ? start.object : 0;
    for (auto found = group.at_or_after(id); found; found = group.at_or_after(id)) {
      const std::uint64_t present = found->subgroup->at(found->place).id;
      if (present >= stop) break;
      if (present > id) group.absent.add(id, present - 1);
      id = present + 1;
    }
    if (stop == kNoEnd) {
      if (!group.end) group.end = id;
    } else if (id < stop) {
      group.absent.add(id, stop - 1);
    }
  }
  if (whole && expected <= end.group) absent_groups_.add(expected, end.group);
}

void TrackStore::set_nothing_between(Location from, Location at, session::Time now) {
  if (from < at) set_known(from, at.object > 0 ? at : Location{at.group - 1, 0}, now);
}

void TrackStore::assume_ended(Location start, Location end) {
  for (auto entry = groups_.lower_bound(start.group); entry != groups_.end() && entry->first <= end.group; ++entry) {
    StoredGroup& group = entry->second;
    if (group.end || group.open() || !largest_ || entry->first >= largest_->group) continue;
    bool whole = true;
    group.for_each([&](const StoredSubgroup& subgroup) {
      whole = whole && (subgroup.datagrams() || subgroup.ended() == StoredSubgroup::End::kFinished);
    });
    if (const auto largest = group.largest(); whole && largest) group.end = *largest + 1;
  }
}

// ---- reading ----

StoredGroup* TrackStore::find(std::uint64_t group) noexcept {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

StoredSubgroup* TrackStore::find(std::uint64_t group, std::uint64_t subgroup) noexcept {
  StoredGroup* const in = find(group);
  if (in == nullptr) return nullptr;
  const auto found = in->subgroups.find(subgroup);
  return found == in->subgroups.end() ? nullptr : found->second.get();
}

TrackStore::Look TrackStore::look(Location location) noexcept {
  using Kind = Look::Kind;
  StoredGroup* const group = find(location.group);
  if (group == nullptr) {
    if (absent_groups_.contains(location.group)) return {Kind::kEndOfGroup};
    if (last_ && location.group > last_->group) return {Kind::kEndOfGroup};
    const bool never_was = knowledge_ == Knowledge::kAll && !dropped_groups_.contains(location.group);
    return {never_was ? Kind::kEndOfGroup : Kind::kUnknown};
  }
  if (group->end && location.object >= *group->end) return {Kind::kEndOfGroup};
  if (last_ && location > *last_) return {Kind::kEndOfGroup};
  const auto found = group->at_or_after(location.object);
  const std::uint64_t id = found ? found->subgroup->at(found->place).id : kNoEnd;
  if (id == location.object) return {Kind::kObject, found->subgroup, found->place, 0};
  if (group->absent.contains(location.object)) {
    const std::uint64_t next = group->absent.last_of_run(location.object) + 1;
    return {Kind::kNothing, nullptr, 0, std::min(next, id)};
  }
  if (knowledge_ == Knowledge::kWhatCame) return {Kind::kUnknown};
  bool may_come = false;
  bool was_here = false;
  group->for_each([&](const StoredSubgroup& subgroup) {
    const bool beyond = !subgroup.largest() || *subgroup.largest() < location.object;
    may_come = may_come || (subgroup.writers > 0 && beyond);
    // Objects have been dropped at its front, and this may have been one of them.
    was_here =
        was_here || (subgroup.first() > 0 && !beyond && subgroup.lower_bound(location.object) == subgroup.first());
  });
  if (was_here) return {Kind::kUnknown};
  if (may_come) return {Kind::kNotYet};
  if (!found) return {Kind::kEndOfGroup};
  return {Kind::kNothing, nullptr, 0, id};
}

// ---- dropping ----

session::Duration TrackStore::max_age() const noexcept {
  return std::min(max_age_ ? std::min(*max_age_, retention_.age) : retention_.age, kOldest);
}

void TrackStore::remove(std::map<std::uint64_t, StoredGroup>::iterator entry) {
  StoredGroup& group = entry->second;
  bytes_ -= std::min(bytes_, group.bytes());
  auto keep = [&](std::unique_ptr<StoredSubgroup>& subgroup) {
    if (subgroup == nullptr || spare_.size() >= kSpareSubgroups || subgroup->records() > kLargestSpare) return;
    subgroup->drop_all();
    spare_.push_back(std::move(subgroup));
  };
  for (auto& [id, subgroup] : group.subgroups) keep(subgroup);
  keep(group.datagrams);
  dropped_groups_.add(entry->first);
  dropped_groups_.keep_highest(kRememberedRuns);
  by_serial_.erase(group.serial());
  groups_.erase(entry);
  group_records_.set(groups_.size() * kGroupRecord);
  ++groups_evicted_;
}

bool TrackStore::evict_oldest() {
  for (const auto& [serial, id] : by_serial_) {
    const auto entry = groups_.find(id);
    if (stays(entry->second)) continue;
    remove(entry);
    return true;
  }
  return false;
}

void TrackStore::evict(session::Time now) {
  const session::Duration age = max_age();
  for (auto entry = by_serial_.begin(); entry != by_serial_.end();) {
    const auto group = groups_.find(entry->second);
    ++entry;                                                                // remove() takes the entry out
    if (group->second.since == session::Time{}) group->second.since = now;  // nobody has told the time before
    const bool too_old = now != session::Time{} && group->second.since + age <= now;
    const bool too_many = groups_.size() > retention_.groups;
    if (!too_old && !too_many && bytes_ <= retention_.bytes) break;
    if (stays(group->second)) continue;
    remove(group);
  }
  if (bytes_ <= retention_.bytes) return;
  // What is left is being written, or waits for somebody.
  for (auto& [id, group] : groups_) trim(group);
}

void TrackStore::trim(StoredGroup& group) {
  group.for_each([&](StoredSubgroup& subgroup) {
    std::uint64_t given = subgroup.empty() ? 0 : subgroup.end() - 1;  // the newest may be still arriving
    for (const SubgroupDelivery& delivery : subgroup.deliveries) {
      if (delivery.serial == 0 || delivery.stopped || delivery.ended) continue;
      given = std::min(given, delivery.next);
      if (!delivery.late.empty()) given = std::min(given, subgroup.lower_bound(delivery.late.front()));
    }
    while (bytes_ > retention_.bytes && subgroup.first() < given && subgroup.at(subgroup.first()).complete()) {
      bytes_ -= std::min(bytes_, subgroup.drop_first());
    }
  });
}

void TrackStore::compact(base::SlabArena& arena) {
  for (auto& [id, group] : groups_) {
    group.for_each([&](StoredSubgroup& subgroup) {
      for (std::uint64_t place = subgroup.first(); place < subgroup.end(); ++place) subgroup.at(place).compact(arena);
    });
  }
}

std::optional<session::Time> TrackStore::next_eviction() const noexcept {
  for (const auto& [serial, id] : by_serial_) {
    const StoredGroup& group = groups_.find(id)->second;
    // What is written or waits for somebody goes when that is over, whatever its age.
    if (!stays(group)) return group.since + max_age();
  }
  return std::nullopt;
}

void TrackStore::clear() {
  ++epoch_;
  while (!groups_.empty()) remove(groups_.begin());
  absent_groups_.clear();
  dropped_groups_.clear();
  held_.reset();
  largest_.reset();
  last_.reset();
  bytes_ = 0;
}

}  // namespace msquic_py::moqt::objects
