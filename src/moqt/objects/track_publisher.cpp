#include "moqt/objects/track_publisher.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "moqt/objects/fetch_delivery.h"

namespace msquic_py::moqt::objects {

namespace {

/// More than the retention allows before it is worth looking for what to drop.
constexpr std::size_t kSlack = 256 * 1024;
/// More than twice what its objects take that a track may hold, with slabs that are ready for the next ones.
constexpr std::size_t kHeldSlack = 1024 * 1024;

}  // namespace

TrackPublisher::TrackPublisher(Retention retention, TrackStore::Knowledge knowledge, SubscriptionLimits limits,
                               DeliveryCounters& counters, std::shared_ptr<base::Account> account)
    : account_(account ? std::move(account) : std::make_shared<base::Account>()),
      store_(retention, knowledge, account_),
      limits_(limits),
      counters_(counters),
      arena_(base::SlabArena::kCapacity, account_),
      evict_above_(retention.bytes + kSlack) {}

TrackPublisher::~TrackPublisher() { abandon_fetches(); }

// ---- subscriptions ----

Subscription& TrackPublisher::add(session::Session& session, session::RequestHandle request, Outlet& outlet) {
  std::size_t slot = subscriptions_.size();
  while (!free_slots_.empty() && slot == subscriptions_.size()) {
    std::pop_heap(free_slots_.begin(), free_slots_.end(), std::greater<>());
    const std::size_t free = free_slots_.back();
    free_slots_.pop_back();
    if (free < subscriptions_.size() && !subscriptions_[free]) slot = free;  // or it has been cut off, or used again
  }
  if (slot == subscriptions_.size()) subscriptions_.emplace_back();
  subscriptions_[slot] = std::make_unique<Subscription>(*this, slot, next_serial_++, session, request, outlet);
  session.watch_unsent(request, subscriptions_[slot].get());
  ++subscribers_;
  return *subscriptions_[slot];
}

void TrackPublisher::remove(Subscription& subscription) {
  subscription.give_up();
  subscription.session().watch_unsent(subscription.request(), nullptr);
  past_ += subscription.account();
  const std::size_t slot = subscription.slot();
  subscriptions_[slot].reset();
  free_slots_.push_back(slot);
  std::push_heap(free_slots_.begin(), free_slots_.end(), std::greater<>());
  // What comes is offered to every slot: those of an audience that has gone are not kept.
  while (!subscriptions_.empty() && !subscriptions_.back()) subscriptions_.pop_back();
  if (subscriptions_.empty()) free_slots_.clear();
  --subscribers_;
}

void TrackPublisher::end(PublishDoneCode code, std::string_view reason, bool abandon, session::Time now) {
  for (const Orphan& orphan : std::exchange(orphans_, {})) {
    StoredSubgroup* const subgroup = store_.find(orphan.group, orphan.subgroup);
    if (subgroup == nullptr || subgroup->writers > 0 || subgroup->ended() != StoredSubgroup::End::kOpen) continue;
    subgroup->awaited = false;
    subgroup->reset(orphan.code);
    subgroup_ended(*subgroup, now);
  }
  for_each([&](Subscription& subscription) { subscription.end(code, reason, abandon); });
}

void TrackPublisher::clear() {
  for_each([](Subscription& subscription) {
    subscription.leave_streams();
    subscription.give_up();
  });
  orphans_.clear();
  several_writers = false;
  preference.reset();
  store_.clear();
  wake_fetches();
}

std::size_t TrackPublisher::most_queued_bytes() const noexcept {
  std::size_t most = 0;
  for (const auto& subscription : subscriptions_) {
    if (subscription != nullptr && !subscription->ended()) most = std::max(most, subscription->queued_bytes());
  }
  return most;
}

DeliveryAccount TrackPublisher::account() const {
  DeliveryAccount sum = past_;
  for_each([&](const Subscription& subscription) { sum += subscription.account(); });
  return sum;
}

// ---- fetches ----

void TrackPublisher::abandon_fetches() {
  while (!fetches_.empty()) fetches_.back()->abandon();
}

void TrackPublisher::wake_fetches() {
  for (FetchDelivery* fetch : fetches_) fetch->wake();
}

// ---- from the writers ----

void TrackPublisher::make_room(session::Time now) {
  store_.evict(now);
  // What cannot go now makes no look worth it before there is as much again.
  evict_above_ = std::max(store_.retention().bytes, store_.bytes()) + kSlack;
  compact();
}

void TrackPublisher::compact() {
  // Small objects that stay share slabs with small objects that have gone.
  const std::size_t held = account_->bytes();
  compacted_to_ = std::min(compacted_to_, held);
  if (held <= 2 * store_.bytes() + kHeldSlack || held <= compacted_to_ + kHeldSlack) return;
  store_.compact(arena_);
  compacted_to_ = account_->bytes();
}

void TrackPublisher::object_begun(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place,
                                  session::Time now) {
  group.touch(now);
  for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
    if (Subscription* each = subscriptions_[slot].get()) each->object_begun(group, subgroup, place, now);
  }
  if (!fetches_.empty()) wake_fetches();
  if (store_.bytes() > evict_above_) make_room(now);
}

void TrackPublisher::object_inserted(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, bool shifted,
                                     session::Time now) {
  group.touch(now);
  for_each([&](Subscription& each) { each.object_inserted(group, subgroup, place, shifted, now); });
  wake_fetches();
}

void TrackPublisher::fetched(session::Time now) {
  wake_fetches();
  if (store_.bytes() > evict_above_) make_room(now);
}

void TrackPublisher::payload_arrived(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place,
                                     std::size_t bytes, session::Time now) {
  group.touch(now);
  for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
    if (Subscription* each = subscriptions_[slot].get()) each->payload_arrived(subgroup, place, bytes, now);
  }
  if (!fetches_.empty()) wake_fetches();
  if (store_.bytes() > evict_above_) make_room(now);
}

void TrackPublisher::subgroup_ended(StoredSubgroup& subgroup, session::Time now) {
  for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
    if (Subscription* each = subscriptions_[slot].get()) each->subgroup_ended(subgroup, now);
  }
  if (!fetches_.empty()) wake_fetches();
  make_room(now);
}

void TrackPublisher::subgroup_cut(StoredSubgroup& subgroup) {
  for_each([&](Subscription& each) { each.subgroup_cut(subgroup); });
  if (!fetches_.empty()) wake_fetches();
}

void TrackPublisher::subgroup_reopened(StoredSubgroup& subgroup) {
  subgroup.reopen();
  for (SubgroupDelivery& delivery : subgroup.deliveries) {
    if (!delivery.ended) continue;
    delivery.ended = false;
    delivery.has_gap = true;
  }
}

void TrackPublisher::datagram(StoredGroup& group, StoredSubgroup& datagrams, std::uint64_t place, session::Time now) {
  group.touch(now);
  StoredObject& object = datagrams.at(place);
  for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
    if (Subscription* each = subscriptions_[slot].get()) each->datagram(group, object);
  }
  if (!fetches_.empty()) wake_fetches();
  if (store_.bytes() > evict_above_) make_room(now);
}

void TrackPublisher::orphaned(StoredSubgroup& subgroup, std::uint64_t code, session::Time now) {
  if (others_may_go_on) return await(subgroup, code, now);
  subgroup.reset(code);
  subgroup_ended(subgroup, now);
}

// ---- a lost publisher, and another in its place ----

void TrackPublisher::await(StoredSubgroup& subgroup, std::uint64_t code, session::Time now) {
  if (std::exchange(subgroup.awaited, true)) return;
  orphans_.push_back({subgroup.group(), subgroup.id(), code, now});
}

void TrackPublisher::give(StoredGroup& group, session::Time now) {
  group.for_each([&](StoredSubgroup& subgroup) {
    for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
      if (Subscription* each = subscriptions_[slot].get()) each->go_on(subgroup, now);
    }
  });
}

void TrackPublisher::release_below(std::uint64_t group, session::Time now, const IntervalSet& unknown) {
  const auto held = store_.held();
  if (!held || group <= held->first) return;
  if (group > held->last) {
    store_.release();
  } else {
    store_.hold(group, held->last);
  }
  const auto& groups = store_.groups();
  for (auto entry = groups.lower_bound(held->first); entry != groups.end(); ++entry) {
    if (entry->first >= group || entry->first > held->last) break;
    StoredGroup& here = *store_.find(entry->first);
    here.for_each([&](StoredSubgroup& subgroup) {
      if (subgroup.writers > 0 || subgroup.ended() != StoredSubgroup::End::kOpen || subgroup.datagrams()) return;
      subgroup.awaited = false;
      const bool whole =
          !unknown.contains(entry->first) && (subgroup.empty() || subgroup.at(subgroup.end() - 1).complete());
      whole ? subgroup.finish(now) : subgroup.reset(static_cast<std::uint64_t>(StreamResetCode::kInternalError));
    });
    give(here, now);
  }
  wake_fetches();
}

void TrackPublisher::release(session::Time now) {
  const auto held = store_.held();
  if (!held) return;
  store_.release();
  const auto& groups = store_.groups();
  for (auto entry = groups.lower_bound(held->first); entry != groups.end() && entry->first <= held->last; ++entry) {
    StoredGroup& group = *store_.find(entry->first);
    group.for_each([&](StoredSubgroup& subgroup) {
      if (subgroup.writers > 0 || subgroup.ended() != StoredSubgroup::End::kOpen || subgroup.datagrams()) return;
      // A stream has ended with FIN while what lies before it was still on its way.
      const bool whole = subgroup.whole_from && (subgroup.empty() || subgroup.at(subgroup.end() - 1).complete());
      if (whole) return subgroup.finish(now);
      await(subgroup, static_cast<std::uint64_t>(StreamResetCode::kInternalError), now);
    });
    give(group, now);
  }
}

void TrackPublisher::wait_for_writers(session::Time now) noexcept {
  for (Orphan& orphan : orphans_) orphan.since = now;
}

// ---- time ----

void TrackPublisher::settle(session::Time now) {
  std::erase_if(orphans_, [&](const Orphan& orphan) {
    StoredSubgroup* const subgroup = store_.find(orphan.group, orphan.subgroup);
    if (subgroup == nullptr || subgroup->writers > 0 || subgroup->ended() != StoredSubgroup::End::kOpen) {
      if (subgroup != nullptr) subgroup->awaited = false;
      return true;
    }
    if (now < orphan.since + takeover_timeout || store_.holds(orphan.group)) return false;
    subgroup->awaited = false;
    subgroup->reset(orphan.code);
    subgroup_ended(*subgroup, now);
    return true;
  });
  make_room(now);
}

std::optional<session::Time> TrackPublisher::next_deadline() const noexcept {
  std::optional<session::Time> next = store_.next_eviction();
  for (const Orphan& orphan : orphans_) {
    if (store_.holds(orphan.group)) continue;  // looked at when it is released
    const session::Time due = orphan.since + takeover_timeout;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

}  // namespace msquic_py::moqt::objects
