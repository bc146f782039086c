// What a subscription leaves out so that its subscriber stays near the live edge of a track that is too much for the
// link.
#include <algorithm>
#include <limits>

#include "moqt/objects/subscription.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {

namespace {

constexpr std::size_t kMostRemembered = 32;
/// How long a subscriber that was late counts as one whose link is too weak; it is not let fall behind as far again.
constexpr auto kLateFor = std::chrono::seconds(10);
/// How often hopeless groups are looked for while no group begins.
constexpr auto kLookEach = std::chrono::milliseconds(100);
constexpr std::uint64_t kNoGroup = std::numeric_limits<std::uint64_t>::max();

}  // namespace

session::Duration Subscription::allowed_lateness() const noexcept {
  const session::Duration limit = publisher_.limits().queued_time;
  const auto* published = view();
  const std::uint64_t timeout = published == nullptr ? 0 : published->timeouts.object.in_effect();
  if (limit == session::Duration::zero() || timeout == 0) return limit;
  return session::milliseconds_said(timeout);
}

std::optional<session::Time> Subscription::waits_since(const Behind& behind) const noexcept {
  const StoredSubgroup& subgroup = *behind.subgroup;
  const SubgroupDelivery& delivery = subgroup.deliveries[slot_];
  const std::uint64_t place = delivery.begun ? delivery.current : std::max(delivery.next, subgroup.first());
  if (place < subgroup.first() || place >= subgroup.end()) return std::nullopt;
  const session::Time since = subgroup.at(place).since;
  return since == session::Time{} ? std::nullopt : std::optional(since);
}

bool Subscription::link_is_weak(const StoredGroup& newest, session::Duration limit) {
  session::Duration latest{};
  for (const Behind& each : behind_) {
    if (const auto since = waits_since(each)) latest = std::max(latest, newest.since - *since);
  }
  if (const auto* published = view()) pace_.sample(newest.since, came_bytes_, published->arrived_bytes);
  const bool tells = pace_.falls_behind() && latest > limit * kShareThatTells / kShareOfWaiting;
  if (tells || latest > limit) late_until_ = newest.since + kLateFor;
  return newest.since < late_until_;
}

void Subscription::leave_late_groups_out() {
  const session::Duration limit = allowed_lateness();
  if (behind_.empty() || limit == session::Duration::zero()) return;
  const auto& groups = publisher_.store().groups();
  const StoredGroup& newest = groups.rbegin()->second;
  if (newest.since == session::Time{}) return;
  if (!link_is_weak(newest, limit)) return;  // a moment's stop of the link is no reason to leave anything out
  const auto* published = view();
  const bool newest_first = published != nullptr && published->group_order == GroupOrder::kDescending;
  const bool known = pace_.known() && !newest_first;
  if (known && (looked_at_ != newest.serial() || newest.since - looked_ >= kLookEach)) {
    looked_at_ = newest.serial();
    looked_ = newest.since;
    while (leave_hopeless_group_out(newest, limit / 2)) {
      late_until_ = newest.since + kLateFor;
      if (ended_) return;
    }
  }
  // Who gave one up sees the next one through, or none would ever be whole. For a link that stands still nobody waits.
  const session::Duration under_way_for = known && gave_one_up_ ? 2 * limit : limit;
  // The group whose turn it is. Where the newest has its turn first, none of the others has.
  std::uint64_t under_way = kNoGroup;
  for (const Behind& each : behind_) {
    if (!newest_first) under_way = std::min(under_way, each.subgroup->group());
  }
  for (;;) {
    const auto late = std::find_if(behind_.begin(), behind_.end(), [&](const Behind& each) {
      const std::uint64_t group = each.subgroup->group();
      if (group >= newest.id()) return false;
      const auto since = waits_since(each);
      const session::Duration other = known ? limit : limit / kShareOfWaiting;
      const session::Duration allowed = group == under_way ? under_way_for : other;
      return since && newest.since - *since > allowed;
    });
    if (late == behind_.end()) return;
    const std::uint64_t group = late->subgroup->group();
    late_until_ = newest.since + kLateFor;
    gave_one_up_ = gave_one_up_ || group == under_way;
    leave_out(groups.at(group), /*under_way=*/group == under_way);
    if (ended_) return;
    if (group == under_way) under_way = kNoGroup;  // the next one has not had its time
  }
}

std::size_t Subscription::owed_of(const StoredSubgroup& subgroup) const noexcept {
  const SubgroupDelivery& delivery = subgroup.deliveries[slot_];
  std::size_t bytes = 0;
  for (std::uint64_t place = std::max(delivery.next, subgroup.first()); place < subgroup.end(); ++place)
    bytes += subgroup.at(place).bytes();
  const bool begun = delivery.begun && delivery.current == delivery.next;
  return bytes - (begun ? std::min(bytes, static_cast<std::size_t>(delivery.payload_sent)) : 0);
}

bool Subscription::leave_hopeless_group_out(const StoredGroup& newest, session::Duration in_time) {
  const auto* published = view();
  if (published == nullptr || ended_) return false;
  // What the session has of none of these groups, or the transport of any, comes before all of them.
  std::size_t ahead = published->outstanding_bytes + published->queued_bytes;
  for (const Behind& each : behind_) ahead -= std::min(ahead, session_.queued_bytes(each.stream));
  for (std::uint64_t from = 0;;) {
    std::uint64_t id = newest.id();
    for (const Behind& each : behind_) {
      if (each.subgroup->group() >= from) id = std::min(id, each.subgroup->group());
    }
    if (id >= newest.id()) return false;
    std::uint64_t handed = 0;
    for (const Behind& each : behind_) {
      if (each.subgroup->group() != id) continue;
      const session::StreamBacklog backlog = session_.backlog(each.stream);
      ahead += backlog.bytes + owed_of(*each.subgroup);
      handed += backlog.handed;
    }
    const StoredGroup& group = publisher_.store().groups().at(id);
    from = id + 1;
    if (newest.since - group.since + pace_.time_for(ahead) <= in_time) continue;
    // The newest one would need as much as has been put into this one. It is worth that only where it began a good deal
    // later than so long a time, and only after a group that came whole.
    const session::Duration later = newest.begun - group.begun;
    const std::uint64_t arrived = handed - std::min<std::uint64_t>(handed, published->outstanding_bytes);
    const bool sunk = handed > 0 && (gave_one_up_ || pace_.time_for(arrived) >= later * 3 / 4);
    if (sunk) continue;
    gave_one_up_ = gave_one_up_ || handed > 0;
    leave_out(group, /*under_way=*/handed > 0);
    return true;
  }
}

void Subscription::leave_out(const StoredGroup& group, bool under_way) {
  ++groups_skipped_;
  ++publisher_.counters().groups_skipped;
  if (skipped_groups_.size() == kMostRemembered) skipped_groups_.erase(skipped_groups_.begin());
  skipped_groups_.push_back(group.serial());
  group.for_each([&](StoredSubgroup& subgroup) {
    SubgroupDelivery* const delivery = existing(subgroup);
    if (delivery == nullptr || delivery->stopped || delivery->ended) return;
    if (delivery->open()) {
      count_unsent_as(&DeliveryAccount::skipped,
                      [&] { return session_.reset_stream(delivery->stream, StreamResetCode::kDeliveryTimeout).ok(); });
    }
    abandon(subgroup, *delivery, &DeliveryAccount::skipped);
    delivery->leave_stream();
    delivery->has_gap = true;
  });
  // Who takes something in between is slow; who takes nothing does not read.
  const auto* published = view();
  if (!under_way) return;
  if (published != nullptr && given_since_skip_ > published->outstanding_bytes + published->queued_bytes) {
    consecutive_skips_ = 0;
  }
  given_since_skip_ = 0;
  if (++consecutive_skips_ <= publisher_.limits().consecutive_skips) return;
  ++publisher_.counters().subscribers_too_far_behind;
  count_unsent_as(&DeliveryAccount::skipped, [&] {
    end(PublishDoneCode::kTooFarBehind, "the subscriber does not keep up with the track", true);
    return true;
  });
}

}  // namespace msquic_py::moqt::objects
