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
constexpr std::uint64_t kNoGroup = std::numeric_limits<std::uint64_t>::max();

}  // namespace

session::Duration Subscription::allowed_lateness() const noexcept {
  const session::Duration limit = publisher_.limits().queued_time;
  const auto* published = view();
  const std::uint64_t timeout = published == nullptr ? 0 : published->timeouts.object.in_effect();
  if (limit == session::Duration::zero() || timeout == 0) return limit;
  constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1000;
  return std::chrono::milliseconds(std::min(timeout, kDay));
}

std::optional<session::Time> Subscription::waits_since(const Behind& behind) const noexcept {
  const StoredSubgroup& subgroup = *behind.subgroup;
  const SubgroupDelivery& delivery = subgroup.deliveries[slot_];
  const std::uint64_t place = delivery.begun ? delivery.current : std::max(delivery.next, subgroup.first());
  if (place < subgroup.first() || place >= subgroup.end()) return std::nullopt;
  const session::Time since = subgroup.at(place).since;
  return since == session::Time{} ? std::nullopt : std::optional(since);
}

void Subscription::leave_late_groups_out() {
  const session::Duration limit = allowed_lateness();
  if (behind_.empty() || limit == session::Duration::zero()) return;
  const auto& groups = publisher_.store().groups();
  const StoredGroup& newest = groups.rbegin()->second;
  if (newest.since == session::Time{}) return;
  const auto* published = view();
  const bool newest_first = published != nullptr && published->group_order == GroupOrder::kDescending;
  session::Duration latest{};
  for (const Behind& each : behind_) {
    if (const auto since = waits_since(each)) latest = std::max(latest, newest.since - *since);
  }
  if (latest > limit) late_until_ = newest.since + kLateFor;
  if (newest.since >= late_until_) return;  // a moment's stop of the link is no reason to leave anything out
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
      const session::Duration allowed = group == under_way ? limit : limit / kShareOfWaiting;
      return since && newest.since - *since > allowed;
    });
    if (late == behind_.end()) return;
    const std::uint64_t group = late->subgroup->group();
    late_until_ = newest.since + kLateFor;
    leave_out(groups.at(group), /*under_way=*/group == under_way);
    if (ended_) return;
    if (group == under_way) under_way = kNoGroup;  // the next one has not had its time
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
