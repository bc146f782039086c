// What a track store knows of ranges: where there may be something, and where that is unknown.
#include <algorithm>
#include <iterator>
#include <limits>

#include "moqt/objects/track_store.h"

namespace msquic_py::moqt::objects {

namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::optional<std::uint64_t> TrackStore::next_group(std::uint64_t group, std::uint64_t last) const noexcept {
  while (group <= last) {
    if (groups_.contains(group)) return group;
    if (absent_groups_.contains(group)) {
      const std::uint64_t end = absent_groups_.last_of_run(group);
      if (end >= last) return std::nullopt;
      group = end + 1;
      continue;
    }
    if (knowledge_ == Knowledge::kWhatCame || dropped_groups_.contains(group)) return group;
    // Nothing was ever published before the next group that is, or was, here.
    const auto here = groups_.lower_bound(group);
    std::uint64_t next = here == groups_.end() ? kNoEnd : here->first;
    for (const IntervalSet::Interval& run : dropped_groups_.intervals()) {
      if (run.first > group) next = std::min(next, run.first);
    }
    if (next > last) return std::nullopt;
    group = next;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> TrackStore::previous_group(std::uint64_t group, std::uint64_t first) const noexcept {
  while (group >= first) {
    if (groups_.contains(group)) return group;
    if (absent_groups_.contains(group)) {
      const std::uint64_t begin = absent_groups_.first_of_run(group);
      if (begin <= first) return std::nullopt;
      group = begin - 1;
      continue;
    }
    if (knowledge_ == Knowledge::kWhatCame || dropped_groups_.contains(group)) return group;
    auto here = groups_.lower_bound(group);
    std::optional<std::uint64_t> next;
    if (here != groups_.begin()) next = std::prev(here)->first;
    for (const IntervalSet::Interval& run : dropped_groups_.intervals()) {
      if (run.last < group) next = std::max(next.value_or(0), run.last);
    }
    if (!next || *next < first) return std::nullopt;
    group = *next;
  }
  return std::nullopt;
}

std::optional<Location> TrackStore::first_unknown(Location start, Location end, session::Time now) noexcept {
  Location at = start;
  while (at.group < end.group || (at.group == end.group && (end.object == 0 || at.object < end.object))) {
    const Look found = look(at);
    switch (found.kind) {
      case Look::Kind::kObject:
        if (too_old(found.subgroup->at(found.place), now)) return at;
        ++at.object;
        break;
      case Look::Kind::kNothing: at.object = found.next; break;
      case Look::Kind::kUnknown: return at;
      case Look::Kind::kNotYet: return std::nullopt;
      case Look::Kind::kEndOfGroup: {
        const auto next = at.group == kNoEnd ? std::nullopt : next_group(at.group + 1, end.group);
        if (!next) return std::nullopt;
        at = {*next, 0};
        break;
      }
    }
  }
  return std::nullopt;
}

bool TrackStore::holds_any(Location start, Location end, session::Time now) noexcept {
  for (auto at = groups_.lower_bound(start.group); at != groups_.end() && at->first <= end.group; ++at) {
    const auto& [id, group] = *at;
    auto found = group.at_or_after(id == start.group ? start.object : 0);
    while (found) {
      StoredObject& object = found->subgroup->at(found->place);
      if (id == end.group && end.object != 0 && object.id >= end.object) break;
      if (object.status == ObjectStatus::kNormal && !too_old(object, now)) return true;
      found = group.at_or_after(object.id + 1);
    }
  }
  return false;
}

Location TrackStore::end_of_unknown(Location from, Location end, session::Time now) noexcept {
  for (;;) {
    if (const StoredGroup* const group = find(from.group)) {
      std::uint64_t next = std::min(group->end.value_or(kNoEnd), group->absent.first_from(from.object + 1));
      auto found = group->at_or_after(from.object + 1);
      while (found && too_old(found->subgroup->at(found->place), now)) {
        found = group->at_or_after(found->subgroup->at(found->place).id + 1);
      }
      if (found) next = std::min(next, found->subgroup->at(found->place).id);
      if (next != kNoEnd) {
        const bool within = from.group < end.group || end.object == 0 || next < end.object;
        return within ? Location{from.group, next} : end;
      }
    }
    // Nothing is known of the rest of the group, nor of those behind it that have no record.
    const auto here = groups_.upper_bound(from.group);
    std::uint64_t next = absent_groups_.first_from(from.group + 1);
    if (here != groups_.end()) next = std::min(next, here->first);
    if (last_) next = std::min(next, last_->group + 1);
    // Whoever knows all knows that what has not been dropped never was.
    if (knowledge_ == Knowledge::kAll && dropped_groups_.contains(from.group)) {
      next = std::min(next, dropped_groups_.last_of_run(from.group) + 1);
    }
    if (next > end.group) return end;
    if (look({next, 0}).kind != Look::Kind::kUnknown) return {next - 1, 0};
    from = {next, 0};
  }
}

std::optional<std::uint64_t> TrackStore::first_missing(const StoredGroup& group, std::uint64_t from,
                                                       bool largest) const noexcept {
  bool finished = true;
  group.for_each([&](const StoredSubgroup& subgroup) {
    if (subgroup.ended() != StoredSubgroup::End::kFinished && !subgroup.datagrams()) finished = false;
    // What was dropped at the front has been given to everybody.
    if (subgroup.first() > 0 && !subgroup.empty()) from = std::max(from, subgroup.at(subgroup.first()).id);
  });
  for (auto found = group.at_or_after(from); found; found = group.at_or_after(from)) {
    const StoredObject& object = found->subgroup->at(found->place);
    while (from < object.id && group.absent.contains(from)) from = group.absent.last_of_run(from) + 1;
    if (from < object.id) return from;
    // What only a FETCH has brought is no subscription's yet.
    if (!object.complete() || object.fetched) return object.id;
    from = object.id + 1;
  }
  if (group.absent.contains(from)) from = group.absent.last_of_run(from) + 1;
  const bool whole = (group.end && from >= *group.end) || (finished && !largest);
  return whole ? std::nullopt : std::optional(from);
}

Location TrackStore::first_missing(Location start, Location last) const noexcept {
  std::uint64_t at = last.group;
  if (const auto newest = groups_.lower_bound(at); newest != groups_.begin()) {
    at = std::prev(newest)->first;
  } else if (groups_.empty() || !dropped_groups_.intervals().empty() || last != largest_ || start.object > 0) {
    // Nothing has come, or the one before is gone; or it may have been somebody else who brought the first. Or the one
    // before is that of the object behind which the subscription began: the rest of it may have been overtaken by the
    // first group that came.
    std::uint64_t before = start.group;
    for (const IntervalSet::Interval& run : dropped_groups_.intervals()) {
      if (run.last < at) before = std::max(before, run.last);
    }
    at = std::min(at, before);
  }
  if (held_) at = std::min(at, held_->first);  // what was to come of them has not, or not all of it
  for (const auto& [id, group] : groups_) {
    if (id >= at) break;
    if (group.open()) at = id;
  }
  for (at = std::max(at, start.group); at <= last.group; ++at) {
    const auto group = groups_.find(at);
    if (group == groups_.end()) {
      if (absent_groups_.contains(at)) {
        at = std::min(absent_groups_.last_of_run(at), last.group);
      } else if (!dropped_groups_.contains(at)) {
        return std::max(start, Location{at, 0});
      }
      continue;
    }
    const std::uint64_t from = at == start.group ? start.object : 0;
    if (const auto id = first_missing(group->second, from, at == last.group)) return {at, *id};
  }
  return {last.group, last.object + 1};
}

std::uint64_t TrackStore::first_of_unknown(std::uint64_t group, std::uint64_t lowest) const noexcept {
  const auto here = groups_.lower_bound(group);
  if (here != groups_.begin()) lowest = std::max(lowest, std::prev(here)->first + 1);
  for (const IntervalSet::Interval& run : absent_groups_.intervals()) {
    if (run.first < group) lowest = std::max(lowest, std::min(run.last + 1, group));
  }
  return lowest;
}

}  // namespace msquic_py::moqt::objects
