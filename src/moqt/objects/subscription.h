#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "moqt/model/error_codes.h"
#include "moqt/model/forwarding_preference.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/objects/delivery_account.h"
#include "moqt/objects/outlet.h"
#include "moqt/objects/stored_group.h"
#include "moqt/objects/stored_subgroup.h"
#include "moqt/objects/taking_pace.h"
#include "moqt/session/data/stream_feeder.h"
#include "moqt/session/event.h"
#include "moqt/session/handles.h"
#include "moqt/session/session.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// What a publisher allows one subscriber.
struct SubscriptionLimits {
  /// Bytes of objects that may wait for one subscription. Beyond it the subscriber skips to the next group.
  std::size_t queued_bytes = 4 * 1024 * 1024;
  /// How old the oldest of them may be; zero: of any age.
  session::Duration queued_age{};
  /// How much of the track may wait while newer groups come, by the time in which it came. Beyond it the subscriber's
  /// link is too weak, as it is beyond three eighths if the subscriber is measured to take less than comes. For a while
  /// groups are left out as wholes then: those that cannot be whole within half of it. A DELIVERY_TIMEOUT of the
  /// subscription takes its place. Zero: any.
  ///
  /// What came at once may wait for long: the time counts between arrivals, not while something waits. So a track that
  /// is published as fast as it can be read loses nothing by it, and one that is live keeps near its edge.
  session::Duration queued_time{};
  /// How often a subscriber may have to skip without catching up in between before it is ended with TOO_FAR_BEHIND.
  std::size_t consecutive_skips = 16;
  /// How long a stream that must not be finished waits for what was sent on it to be acknowledged before it is reset.
  session::Duration retired_stream_timeout = std::chrono::seconds(5);
};

class TrackPublisher;

/// One subscription to a track that is in a store: a cursor into each of its subgroups. What there is to send stays in
/// the store until the session has room for it.
class Subscription final : public session::StreamFeeder, public session::UnsentWatch {
 public:
  Subscription(TrackPublisher& publisher, std::size_t slot, std::uint64_t serial, session::Session& session,
               session::RequestHandle request, Outlet& outlet) noexcept
      : publisher_(publisher),
        slot_(slot),
        serial_(serial),
        session_(session),
        draft_(session.draft()),
        request_(request),
        outlet_(outlet) {}
  ~Subscription() override;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
  [[nodiscard]] session::Session& session() const noexcept { return session_; }
  [[nodiscard]] session::RequestHandle request() const noexcept { return request_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] const DeliveryAccount& account() const noexcept { return account_; }
  [[nodiscard]] std::uint64_t groups_skipped() const noexcept { return groups_skipped_; }
  /// Bytes of objects for this subscription that the transport has not been given.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;

  // ---- from the publisher ----

  /// An object of `subgroup` has begun, at `place`.
  void object_begun(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, session::Time now);
  /// An object at `place` came although later ones of the subgroup are here.
  void object_inserted(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place, bool shifted,
                       session::Time now);
  /// More of the payload of the object at `place`.
  void payload_arrived(StoredSubgroup& subgroup, std::uint64_t place, std::size_t bytes, session::Time now);
  void subgroup_ended(StoredSubgroup& subgroup, session::Time now);
  void subgroup_cut(StoredSubgroup& subgroup);
  /// The subgroup is held no more.
  void go_on(StoredSubgroup& subgroup, session::Time now);
  void datagram(const StoredGroup& group, StoredObject& object);
  /// Whatever waits is not sent any more: the subscription is over, or the objects are.
  void give_up();
  /// What it has been given of the track still arrives, and nothing comes behind it: the store forgets the objects.
  void leave_streams();
  /// PUBLISH_STATE_NOTIFY, as session::Session::notify_state(); whether it went out.
  bool notify_state(const MessageParameters& changes);
  /// GOAWAY on the stream of its SUBSCRIBE; whether it went out: not for a PUBLISH, which its subscriber cannot repeat.
  bool move(std::string_view uri);
  /// PUBLISH_DONE; resets open streams first when `abandon`. Otherwise what is there still goes out. A subgroup that
  /// has not ended may get more objects, which are not for this subscription any more: its stream is reset behind what
  /// is whole of it, never finished [d15 §10.4.3].
  void end(PublishDoneCode code, std::string_view reason, bool abandon);

  // ---- from the session ----

  void feed(session::StreamHandle stream, session::Time now) override;
  /// They were counted as delivered.
  void on_unsent(std::uint64_t objects, session::UnsentCause cause) override;
  void on_stream_stopped(const session::OutgoingStreamStopped& event, session::Time now);
  /// Resets retired streams whose time has come. True when none is left.
  bool settle(session::Time now);
  /// When settle() has something to do.
  [[nodiscard]] std::optional<session::Time> next_deadline() const noexcept;

 private:
  /// A stream that has not been given all of its subgroup.
  struct Behind {
    session::StreamHandle stream;
    StoredSubgroup* subgroup;
  };
  struct Retired {
    session::StreamHandle stream;
    session::Time since;
  };
  using Counter = std::uint64_t DeliveryAccount::*;
  /// The part of SubscriptionLimits::queued_time that a group may wait which is not under way, while no pace is known.
  static constexpr int kShareOfWaiting = 8;
  /// So many such parts tell that the link is too weak, when the subscriber takes less than comes.
  static constexpr int kShareThatTells = 3;
  enum class Give : std::uint8_t { kDone, kNoRoom, kStopped };
  enum class Begun : std::uint8_t { kYes, kUnsayable, kStopped };

  SubgroupDelivery& delivery_of(StoredSubgroup& subgroup, std::uint64_t place);
  [[nodiscard]] SubgroupDelivery* existing(StoredSubgroup& subgroup) const noexcept;
  /// The short way of an object that has just come, to a subscription that has been given everything before it. False,
  /// and nothing is done, when anything asks for a closer look: admits() and advance() decide then.
  bool pass_on(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place);
  /// Whether an object that begins now is to be sent. Counts it if not.
  [[nodiscard]] bool admits(const StoredGroup& group, Location location, std::size_t size, SubgroupDelivery* delivery,
                            session::Time now);
  /// Whether something that waits has come too long ago.
  [[nodiscard]] bool too_old(session::Time now) const noexcept;
  void fall_behind();
  /// Whether the subscriber's link is too weak for the track, as far as is known now: looks at how late what waits is.
  bool link_is_weak(const StoredGroup& newest, session::Duration limit);
  /// Leaves out groups for which it is too late, in favour of the newest one.
  void leave_late_groups_out();
  /// The same of one that cannot be whole `in_time`, at the pace at which the subscriber takes the track. False: there
  /// is none.
  bool leave_hopeless_group_out(const StoredGroup& newest, session::Duration in_time);
  /// What the session has not been given of the subgroup, of what is here.
  [[nodiscard]] std::size_t owed_of(const StoredSubgroup& subgroup) const noexcept;
  void leave_out(const StoredGroup& group, bool under_way);
  [[nodiscard]] session::Duration allowed_lateness() const noexcept;
  /// When the oldest object came that waits there.
  [[nodiscard]] std::optional<session::Time> waits_since(const Behind& behind) const noexcept;
  [[nodiscard]] bool is_skipped(const StoredGroup& group) const noexcept;
  /// Gives the session what it has room for.
  void advance(StoredSubgroup& subgroup, SubgroupDelivery& delivery, session::Time now);
  Give give_object(StoredSubgroup& subgroup, SubgroupDelivery& delivery, std::uint64_t place, session::Time now);
  /// The rest of the object that is being sent is not to be had.
  void lose(SubgroupDelivery& delivery, const StoredObject& object);
  [[nodiscard]] bool nothing_between(const StoredSubgroup& subgroup, std::uint64_t before,
                                     std::uint64_t after) const noexcept;
  /// The subgroup's timeout counts for the stream, if all of the subgroup is here.
  void note_published(const StoredSubgroup& subgroup, const SubgroupDelivery& delivery);
  Begun begin_object(StoredSubgroup& subgroup, SubgroupDelivery& delivery, StoredObject& object);
  void close(StoredSubgroup& subgroup, SubgroupDelivery& delivery, session::Time now);
  /// The subscription is over before the subgroup, and what there was of it has been given.
  void leave(SubgroupDelivery& delivery, session::Time now);
  /// Whether everything that the subgroup has since the beginning of the subscription came here.
  [[nodiscard]] bool came_whole(const StoredSubgroup& subgroup) const noexcept;
  void retire(SubgroupDelivery& delivery, StreamResetCode code, session::Time now);
  void count_given(std::size_t bytes) noexcept;
  void owe(std::size_t bytes) noexcept {
    owed_bytes_ += bytes;
    came_bytes_ += bytes;
  }
  /// The object that is being sent has been given whole.
  void count_delivered(SubgroupDelivery& delivery, const StoredObject& object) noexcept;
  /// Gives up what the cursor has still before it; `counter` counts the objects.
  void abandon(StoredSubgroup& subgroup, SubgroupDelivery& delivery, Counter counter);
  /// The session resets streams for this subscription during `call`; what they had not sent counts as that.
  template <class Call>
  void count_unsent_as(Counter counter, Call call) {
    const Counter before = std::exchange(reset_counts_as_, counter);
    (void)call();
    reset_counts_as_ = before;
  }
  void set_behind(StoredSubgroup& subgroup, SubgroupDelivery& delivery, bool behind);
  /// Whether it is known that nothing of the subgroup lies between the object there and what was sent on the stream.
  [[nodiscard]] bool is_next(const StoredSubgroup& subgroup, const SubgroupDelivery& delivery,
                             std::uint64_t place) const noexcept;
  /// Whether its draft lets objects of this track travel so; counts it if not.
  bool takes(ForwardingPreference preference) noexcept;
  /// Whether it is too late for an object of that subgroup.
  [[nodiscard]] bool expired(const StoredSubgroup& subgroup, StoredObject& object, session::Time now) const noexcept;
  /// The object that the cursor has come to is too late: its stream is reset. False when no more of the subgroup is to
  /// be sent.
  bool pass_late(StoredSubgroup& subgroup, SubgroupDelivery& delivery, std::uint64_t place);
  [[nodiscard]] const session::PublishedSubscription* view() const noexcept { return session_.published(request_); }

  TrackPublisher& publisher_;
  const std::size_t slot_;
  const std::uint64_t serial_;
  session::Session& session_;
  const Draft draft_;  ///< of the session
  const session::RequestHandle request_;
  Outlet& outlet_;
  bool ended_ = false;
  /// Of a session whose draft has all objects of a track travel alike: how. Those that travel otherwise it is not
  /// given.
  std::optional<ForwardingPreference> only_;
  DeliveryAccount account_;
  Counter reset_counts_as_ = &DeliveryAccount::reset;
  std::size_t owed_bytes_ = 0;    ///< in the store, for this subscription
  std::uint64_t came_bytes_ = 0;  ///< for this subscription, since it began
  TakingPace pace_;
  std::uint64_t looked_at_ = 0;                ///< the newest group when hopeless groups were looked for, by serial
  session::Time looked_{};                     ///< and when that was, in the time of arrivals
  bool gave_one_up_ = false;                   ///< a group of which something was sent, and none was given whole since
  std::uint64_t skipped_before_ = 0;           ///< groups with a lower serial are skipped
  session::Time late_until_{};                 ///< in the time of arrivals: until then late groups are left out
  std::vector<std::uint64_t> skipped_groups_;  ///< the latest of those that are skipped besides, by serial
  std::size_t consecutive_skips_ = 0;
  std::size_t given_since_skip_ = 0;
  std::uint64_t groups_skipped_ = 0;
  std::vector<Behind> behind_;
  std::vector<Retired> retired_;
};

}  // namespace msquic_py::moqt::objects
