#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ledger/account.h"
#include "base/shared_bytes.h"
#include "moqt/model/forwarding_preference.h"
#include "moqt/objects/delivery_account.h"
#include "moqt/objects/delivery_counters.h"
#include "moqt/objects/outlet.h"
#include "moqt/objects/subscription.h"
#include "moqt/objects/track_store.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::objects {

class FetchDelivery;

/// A track store with its subscriptions, on any number of sessions: what is written into the store goes to each of them
/// as it comes, and what a session has no room for waits in the store. An original publisher and a relay are the same
/// here; they differ in who writes.
class TrackPublisher {
 public:
  /// `counters` outlives it. What it holds is charged to `account`; without one, to one of its own.
  TrackPublisher(Retention retention, TrackStore::Knowledge knowledge, SubscriptionLimits limits,
                 DeliveryCounters& counters, std::shared_ptr<base::Account> account = nullptr);
  ~TrackPublisher();
  TrackPublisher(const TrackPublisher&) = delete;
  TrackPublisher& operator=(const TrackPublisher&) = delete;

  [[nodiscard]] TrackStore& store() noexcept { return store_; }
  [[nodiscard]] const TrackStore& store() const noexcept { return store_; }
  [[nodiscard]] DeliveryCounters& counters() noexcept { return counters_; }
  /// For what is made here: headers.
  [[nodiscard]] base::SlabArena& arena() noexcept { return arena_; }
  /// `bytes` as they are kept. What shares its slab with other things that came on the connection is copied, once for
  /// all subscribers: it would hold on to all of them, and cost many times what is counted. The slab of what is kept as
  /// it came is charged to this track.
  [[nodiscard]] base::SharedBytes to_keep(const base::SharedBytes& bytes) {
    if (bytes.size() < kSmall || !bytes.fills_slab()) return arena_.copy(bytes);
    bytes.charge_to(account_);
    return bytes;
  }
  /// What it holds on to: the slabs of its objects, whole, also those that a transport has not let go of, and records.
  [[nodiscard]] const base::Account& memory() const noexcept { return *account_; }
  [[nodiscard]] const SubscriptionLimits& limits() const noexcept { return limits_; }

  // ---- subscriptions ----

  /// The session has accepted the subscription, or offered the track. It lives until remove().
  Subscription& add(session::Session& session, session::RequestHandle request, Outlet& outlet);
  void remove(Subscription& subscription);
  [[nodiscard]] std::size_t subscribers() const noexcept { return subscribers_; }
  /// Slots of subscriptions, empty ones included.
  [[nodiscard]] std::size_t slots() const noexcept { return subscriptions_.size(); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t slot = 0; slot < subscriptions_.size(); ++slot) {
      if (subscriptions_[slot]) visit(*subscriptions_[slot]);
    }
  }
  /// PUBLISH_DONE to all of them, behind what they have still to be given unless `abandon`. They stay until remove().
  void end(PublishDoneCode code, std::string_view reason, bool abandon, session::Time now);
  /// Forgets every object; what subscriptions and fetches have still to be given is given up.
  void clear();
  /// What became of the objects of all subscriptions, those that are over included.
  [[nodiscard]] DeliveryAccount account() const;
  /// Bytes that wait for the slowest subscriber.
  [[nodiscard]] std::size_t most_queued_bytes() const noexcept;

  // ---- fetches ----

  /// Tells `fetch` whenever something comes that it may wait for, until remove().
  void add(FetchDelivery& fetch) { fetches_.push_back(&fetch); }
  void remove(FetchDelivery& fetch) { std::erase(fetches_, &fetch); }
  [[nodiscard]] const std::vector<FetchDelivery*>& fetches() const noexcept { return fetches_; }
  /// Something has become known, or has come without a writer.
  void wake_fetches();
  /// The track is malformed: each of them is refused, or its stream reset.
  void abandon_fetches();

  // ---- from the writers ----

  void object_begun(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, session::Time now);
  /// `shifted`: places behind it have moved; otherwise the object was here, for fetches only.
  void object_inserted(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, bool shifted,
                       session::Time now);
  void payload_arrived(StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, std::size_t bytes,
                       session::Time now);
  void subgroup_ended(StoredSubgroup& subgroup, session::Time now);
  /// It has been reset, and what waits of it is given up.
  void subgroup_cut(StoredSubgroup& subgroup);
  void subgroup_reopened(StoredSubgroup& subgroup);
  void datagram(StoredGroup& group, StoredSubgroup& datagrams, std::uint64_t place, session::Time now);
  /// A FETCH has brought something.
  void fetched(session::Time now);
  /// A writer of `subgroup` has gone without finishing it, and another may go on.
  void orphaned(StoredSubgroup& subgroup, std::uint64_t code, session::Time now);

  // ---- a lost publisher, and another in its place ----

  /// Subscriptions are given nothing of these groups until release_below() or release(): what was missed of them comes.
  void hold(std::uint64_t first, std::uint64_t last) noexcept { store_.hold(first, last); }
  /// Everything of the held groups below `group` has come: subgroups that nobody writes are at their end.
  /// Of those in `unknown` something may be missing all the same: there nobody is told that a subgroup has ended.
  void release_below(std::uint64_t group, session::Time now, const IntervalSet& unknown = {});
  /// Nothing more comes of what was missed. Subgroups that nobody writes wait for somebody as orphans do.
  void release(session::Time now);
  /// Orphans wait from now on.
  void wait_for_writers(session::Time now) noexcept;

  /// Whether a subgroup whose last writer is gone waits for another one: there are further publishers.
  bool others_may_go_on = false;
  /// Several publishers bring the track, or have brought it: what comes may have come before.
  bool several_writers = false;
  /// What the latest object that came alive has, of whichever publisher. Nothing before the first of them.
  std::optional<ForwardingPreference> preference;
  /// How long an orphan waits.
  session::Duration takeover_timeout = std::chrono::seconds(2);

  // ---- time ----

  /// Drops what is not kept any more and gives up what nobody goes on with.
  void settle(session::Time now);
  /// When settle() has something to do.
  [[nodiscard]] std::optional<session::Time> next_deadline() const noexcept;

 private:
  struct Orphan {
    std::uint64_t group;
    std::uint64_t subgroup;
    std::uint64_t code;
    session::Time since;
  };
  void make_room(session::Time now);
  void await(StoredSubgroup& subgroup, std::uint64_t code, session::Time now);
  /// Gives every subscription what it may have of the group now.
  void give(StoredGroup& group, session::Time now);
  /// Copies what keeps large slabs alive for the sake of few bytes, when there is much of that.
  void compact();

  std::shared_ptr<base::Account> account_;
  TrackStore store_;
  SubscriptionLimits limits_;
  DeliveryCounters& counters_;
  /// What is copied also out of a slab of its own, whose record would be much beside it.
  static constexpr std::size_t kSmall = 1024;
  base::SlabArena arena_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;  // slots stay where they are; empty ones are null
  std::vector<std::size_t> free_slots_;                       // a heap, the lowest first
  std::size_t subscribers_ = 0;
  std::uint64_t next_serial_ = 1;
  DeliveryAccount past_;
  std::vector<FetchDelivery*> fetches_;
  std::vector<Orphan> orphans_;
  std::size_t compacted_to_ = 0;  ///< what it held after the last compact(), or less since
  std::size_t evict_above_ = 0;   ///< bytes at which looking for something to drop is worth it again
};

}  // namespace msquic_py::moqt::objects
