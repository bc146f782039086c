#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/shared_bytes.h"
#include "moqt/session/action.h"
#include "moqt/session/data/outgoing_stream.h"
#include "moqt/session/data/outgoing_streams.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/data/transport_queue.h"
#include "moqt/session/event.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session_config.h"
#include "moqt/session/session_error.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// All streams and datagrams that this endpoint sends, and the decision what goes next. The transport has little more
/// in hands than it can have on the way; the rest waits here, where a more urgent object can still overtake it.
class OutgoingData {
 public:
  OutgoingData(const SessionConfig& config, const wire::Codec& codec);

  // ---- for requests ----

  /// `view` is kept up to date until remove_lane(); it belongs to the request.
  void add_lane(RequestHandle subscription, PublishedSubscription& view, bool held);
  /// The same for a FETCH of the peer. It sends whatever is appended: it has no filter and no delivery timeout.
  void add_fetch_lane(RequestHandle fetch, PublishedSubscription& view, FetchRange range);
  /// What that fetch asks for has become known.
  void set_fetch_range(RequestHandle fetch, FetchRange range) noexcept;
  /// `watch` hears of what the lane drops; null: nobody does.
  void watch_unsent(RequestHandle subscription, UnsentWatch* watch) noexcept {
    if (OutgoingLane* lane = find_lane(subscription)) lane->watch = watch;
  }
  /// Whether the stream of that fetch was cancelled to make room for others.
  [[nodiscard]] bool fetch_lost(RequestHandle fetch) const noexcept;
  void release_lane(RequestHandle subscription);  ///< PUBLISH went out: the lane is no longer held
  /// The timeouts in the view have changed.
  void retime(RequestHandle subscription);
  /// Priorities or group order in the view have changed.
  void reorder(RequestHandle subscription);
  /// Resets every stream that the transport may still hold bytes of, drops datagrams and forgets the lane.
  void abort_lane(RequestHandle subscription, StreamResetCode code);
  /// Forgets a lane whose streams have been closed.
  void remove_lane(RequestHandle subscription);
  /// Resets the open streams, of all groups or of those the filter in the view no longer includes; reports each.
  void reset_streams(RequestHandle subscription, StreamResetCode code, bool only_unwanted, RingQueue<Event>* events);
  /// A lane that has been told to end and has nothing open or queued any more.
  std::optional<RequestHandle> take_drained();
  [[nodiscard]] bool has_drained() const noexcept { return !drained_.empty(); }
  void check_drained(RequestHandle subscription);

  // ---- for the application ----

  /// `events` hears of the stream that has to make room, if one has to.
  base::Result<StreamHandle, SessionError> open(RequestHandle subscription, const SubgroupProperties& properties,
                                                RingQueue<Event>& events);
  base::Result<void, SessionError> append_object(StreamHandle handle, std::uint64_t object,
                                                 const base::SharedBytes& wire, std::size_t delta_size,
                                                 std::uint64_t remaining);
  /// The one stream of a fetch; `request_id` is for its header.
  base::Result<StreamHandle, SessionError> open_fetch(RequestHandle fetch, std::uint64_t request_id,
                                                      RingQueue<Event>& events);
  /// That one, although it may be gone since; the null handle before it is opened.
  [[nodiscard]] StreamHandle fetch_stream(RequestHandle fetch) const noexcept;
  base::Result<void, SessionError> append_fetch_object(StreamHandle handle, const FetchObject& object);
  base::Result<void, SessionError> append_fetch_gap(StreamHandle handle, Location end, wire::FetchGap gap);
  base::Result<void, SessionError> append_payload(StreamHandle handle, base::SharedBytes bytes);
  base::Result<void, SessionError> finish(StreamHandle handle);
  /// Every object of the stream's subgroup has been published, at `since` or, when that is not known, now.
  base::Result<void, SessionError> note_published(StreamHandle handle, std::optional<Time> since);
  /// Takes nothing more, and is reset once what it has is acknowledged.
  base::Result<void, SessionError> retire(StreamHandle handle, std::uint64_t code);
  /// The application gives a stream up. As reset(), but for the stream of a fetch whose header may not have arrived:
  /// the peer could not tell which fetch has failed, and would wait for its stream. That one is retired.
  base::Result<void, SessionError> give_up(StreamHandle handle, std::uint64_t code);
  /// The subscription whose stream it was; null handle when there is no such stream.
  RequestHandle reset(StreamHandle handle, std::uint64_t code, UnsentCause cause = UnsentCause::kReset);
  [[nodiscard]] std::size_t queued_bytes(StreamHandle handle) const noexcept;
  [[nodiscard]] StreamBacklog backlog(StreamHandle handle) const noexcept;
  /// Null takes the feeder away.
  base::Result<void, SessionError> set_feeder(StreamHandle handle, StreamFeeder* feeder);
  base::Result<void, SessionError> request_feed(StreamHandle handle);
  base::Result<bool, SessionError> send_datagram(RequestHandle subscription, const DatagramProperties& properties,
                                                 const base::SharedBytes& after_alias);

  // ---- for the transport ----

  bool next_action(Time now, Action& action);
  /// A stream that is to be reset, if there is one.
  bool next_reset(Action& action);
  /// Whether something waits for its turn, for room in the transport, or for the PUBLISH ahead of it.
  [[nodiscard]] bool has_work() const noexcept;
  void on_sent(StreamHandle handle, std::size_t bytes);
  void on_datagram_sent(std::size_t bytes) noexcept { transport_.take_back_datagram(bytes); }
  void on_report(const TransportReport& report) noexcept { transport_.report(report); }
  void set_window(std::size_t bytes) noexcept { transport_.set_window(bytes); }
  /// After next_action() said false: whether something waits for room in the transport.
  [[nodiscard]] bool waits() const noexcept { return !ready_.empty(); }
  /// When to ask next_action() again although nothing happened.
  [[nodiscard]] std::optional<Time> next_look() const noexcept { return transport_.next_look(); }
  /// What has been appended since the last call begins to age.
  void tell_time(Time now) {
    if (!ageless_streams_.empty() || !ageless_lanes_.empty()) begin_to_age(now);
  }
  /// Resets streams with an object that is older than its subscription's delivery timeout, and drops such datagrams.
  void expire(Time now, RingQueue<Event>& events) {
    if (next_expiry_ && *next_expiry_ <= now) expire_late(now, events);
  }
  /// Not later than something expires.
  [[nodiscard]] std::optional<Time> next_expiry() const noexcept { return next_expiry_; }
  void set_max_datagram_size(std::size_t bytes) noexcept { max_datagram_size_ = bytes; }
  [[nodiscard]] std::size_t max_datagram_size() const noexcept { return max_datagram_size_; }
  void clear();

 private:
  OutgoingLane* find_lane(RequestHandle subscription) const noexcept;
  /// Takes a record for a stream of `lane`, with the header in scratch_.
  OutgoingStream& allocate(OutgoingLane& lane);
  void release(OutgoingStream& stream, UnsentCause cause = UnsentCause::kReset);
  void reset(OutgoingStream& stream, std::uint64_t code, UnsentCause cause = UnsentCause::kReset);
  /// The oldest datagram of the lane is not sent.
  void drop_datagram(OutgoingLane& lane, UnsentCause cause);
  /// An object of the stream ends behind `ahead` bytes more than have been appended.
  void note_object(OutgoingStream& stream, std::uint64_t ahead);
  /// The timeouts of its subscription and of its subgroup, together.
  static void set_timeouts(OutgoingStream& stream) noexcept;
  void note_published(OutgoingStream& stream, std::optional<Time> since);
  /// Somebody has to tell the time for something of the stream.
  void await_time(const OutgoingStream& stream);
  void begin_to_age(Time now);
  void expire_late(OutgoingStream& stream, Time now, RingQueue<Event>& events);
  void expire_late(Time now, RingQueue<Event>& events);
  void expire_at(Time time) noexcept { next_expiry_ = next_expiry_ ? std::min(*next_expiry_, time) : time; }
  /// Cancels the least urgent of all open streams and `candidate`, visibly to its subscriber. False: it was the latter.
  bool make_room(OutgoingStream& candidate, RingQueue<Event>& events);
  void push(OutgoingStream& stream, const base::SharedBytes& bytes);
  /// The first object of a fetch that waits may be another one now.
  void follow_priority(OutgoingStream& stream);
  /// Asks the stream's feeder for more. `stream` may be gone afterwards, and its lane, too.
  void feed(OutgoingStream& stream, Time now);
  /// The work of `stream` or of its lane has changed.
  void reschedule(OutgoingStream& stream);
  void reschedule(OutgoingLane& lane);
  void note_drained(OutgoingLane& lane);
  void send_from(OutgoingLane& lane, OutgoingStream& stream, std::size_t room, SendStream& out);
  /// False when the datagram did not go after all.
  bool send_datagram_of(OutgoingLane& lane, Action& action);
  /// `lane` has sent so much; its turn ends when it had its share.
  void count(OutgoingLane& lane, std::size_t bytes) noexcept;

  const wire::Codec& codec_;
  std::size_t max_streams_;
  std::size_t max_queued_datagrams_;
  TransportQueue transport_;
  std::size_t max_datagram_size_ = 0;
  std::size_t open_streams_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t writes_ = 0;

  OutgoingStreams streams_;
  std::unordered_map<RequestHandle, std::unique_ptr<OutgoingLane>> lanes_;
  PriorityHeap<OutgoingLane, LaneBefore> ready_;
  RingQueue<Action> resets_;
  RingQueue<RequestHandle> drained_;
  std::vector<StreamHandle> ageless_streams_;  ///< with objects whose time has not been told
  std::vector<RequestHandle> ageless_lanes_;   ///< with such datagrams
  std::optional<Time> next_expiry_;
  /// For headers. One that waits for a slow stream holds on to those that were made beside it: the slabs are small.
  base::SlabArena arena_;
  base::ByteVector scratch_;
};

}  // namespace msquic_py::moqt::session
