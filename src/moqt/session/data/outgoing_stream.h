#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>

#include "base/shared_bytes.h"
#include "moqt/model/group_order.h"
#include "moqt/session/data/datagram_properties.h"
#include "moqt/session/data/outgoing_fetch.h"
#include "moqt/session/data/priority_heap.h"
#include "moqt/session/data/stream_feeder.h"
#include "moqt/session/data/unsent_watch.h"
#include "moqt/session/handles.h"
#include "moqt/session/published_subscription.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

struct OutgoingLane;

/// An object of a subscription with an OBJECT_DELIVERY_TIMEOUT that has not been acknowledged whole.
struct UndeliveredObject {
  std::uint64_t end = 0;      ///< where it ends, in bytes of its stream
  std::optional<Time> since;  ///< from when its timeout counts; nothing until somebody tells the time
};

/// One stream of a subgroup, or of a fetch, that this endpoint writes. Records are reused; `generation` makes old
/// handles stale.
struct OutgoingStream {
  std::uint32_t slot = 0;
  std::uint32_t generation = 1;
  bool live = false;

  OutgoingLane* lane = nullptr;  ///< null once its subscription is gone
  std::uint64_t group = 0;
  std::uint64_t subgroup = 0;
  std::optional<std::uint8_t> own_priority;  ///< nothing inherits the lane's; of a fetch: that of its next object

  RingQueue<base::SharedBytes> pending;
  std::size_t pending_bytes = 0;
  std::size_t outstanding_bytes = 0;
  std::optional<std::uint64_t> last_object;
  std::uint64_t payload_left = 0;  ///< of the object appended last
  std::uint64_t written = 0;       ///< when an object was appended last, by the count of all of them
  std::uint64_t appended_bytes = 0;
  RingQueue<UndeliveredObject> undelivered;  ///< oldest first
  // The delivery timeouts, in milliseconds; 0: none. Of a fetch there are none.
  std::optional<std::uint64_t> own_object_timeout;    ///< of its subgroup, in the place of the publisher's
  std::optional<std::uint64_t> own_subgroup_timeout;  ///< the same
  std::uint64_t object_timeout = 0;                   ///< in effect
  std::uint64_t subgroup_timeout = 0;                 ///< in effect; counts also when the subscription is over
  bool published = false;                             ///< every object of the subgroup has been
  std::optional<Time> published_since;                ///< nothing until somebody tells the time
  RingQueue<std::uint64_t> ends;         ///< where objects end that the transport has not got whole; when watched
  std::optional<std::uint64_t> retired;  ///< to be reset with this code once all of it is acknowledged
  StreamFeeder* feeder = nullptr;        ///< who has more for it
  bool feed_wanted = false;              ///< request_feed() was called, and feed() has not been since
  bool begun = false;                    ///< an object was appended; not only the header
  bool opened = false;                   ///< the transport has it
  bool fin = false;                      ///< finish_stream() was called
  bool closed = false;                   ///< FIN has been given to the transport

  std::size_t heap_index = static_cast<std::size_t>(-1);

  // Of a stream that the transport has; the TransportQueue's.
  std::size_t place = 0;
  std::uint16_t rung = 0;  ///< the urgency that it has there
  std::uint16_t step = 0;  ///< how many streams of its urgency in the same subscription come before it
  std::uint16_t told = 0;  ///< the transport's priority of it
  bool unmoved = false;    ///< nothing of it has been acknowledged since the last look
  bool stalled = false;    ///< nor for long: the peer's flow control holds it up
  std::size_t cap = 0;     ///< the most that the transport gets of it, for that reason; 0: as much as of any

  [[nodiscard]] StreamHandle handle() const noexcept { return {(std::uint64_t{generation} << 32) | (slot + 1)}; }
  /// The peer takes no more of it for now.
  [[nodiscard]] bool held_up() const noexcept { return stalled || (cap != 0 && outstanding_bytes >= cap); }
  [[nodiscard]] bool takes_more() const noexcept { return !fin && !retired; }
  [[nodiscard]] bool wants_feed() const noexcept { return feed_wanted && feeder != nullptr && takes_more(); }
  [[nodiscard]] StreamBacklog backlog() const noexcept {
    return {takes_more(), pending_bytes, std::max(pending.size(), ends.size()), handed_bytes()};
  }
  [[nodiscard]] bool has_work() const noexcept {
    return ((begun && pending_bytes > 0) || (fin && !closed) || wants_feed()) && !held_up();
  }
  /// Objects that were appended whole and that the transport has not got whole.
  [[nodiscard]] std::uint64_t unsent_objects() const noexcept {
    return ends.empty() ? 0 : ends.size() - (payload_left > 0 ? 1 : 0);
  }
  /// Bytes that the transport has taken, and those that it has let go of.
  [[nodiscard]] std::uint64_t handed_bytes() const noexcept { return appended_bytes - pending_bytes; }
  [[nodiscard]] std::uint64_t delivered_bytes() const noexcept { return handed_bytes() - outstanding_bytes; }
  [[nodiscard]] std::uint8_t priority() const noexcept;
  /// (subscriber priority << 8 | publisher priority), lower first. Only while there is a lane.
  [[nodiscard]] std::uint16_t urgency() const noexcept;
};

/// Within one subscription: publisher priority, then groups in the subscription's order, then subgroups [d15 §7.2].
struct StreamBefore {
  bool operator()(const OutgoingStream& left, const OutgoingStream& right) const noexcept;
};

struct QueuedDatagram {
  DatagramProperties properties;
  base::SharedBytes prefix;  ///< type and track alias
  base::SharedBytes after_alias;
  std::optional<Time> since = std::nullopt;  ///< as for UndeliveredObject
};

/// Everything that waits to be sent for one subscription or fetch.
struct OutgoingLane {
  RequestHandle subscription;            ///< or the fetch
  std::unique_ptr<OutgoingFetch> fetch;  ///< null for a subscription
  PublishedSubscription* view = nullptr;
  UnsentWatch* watch = nullptr;
  bool held = false;  ///< PUBLISH itself still waits for credit: the peer does not know the alias yet
  PriorityHeap<OutgoingStream, StreamBefore> streams;
  RingQueue<QueuedDatagram> datagrams;
  std::uint64_t turn = 0;       ///< when its last turn ended; equal subscriptions take turns
  std::size_t served = 0;       ///< bytes in this turn
  std::uint64_t delivered = 0;  ///< bytes that the transport has let go of; the TransportQueue's
  std::size_t heap_index = static_cast<std::size_t>(-1);

  [[nodiscard]] bool has_work() const noexcept { return !held && (!streams.empty() || !datagrams.empty()); }
  [[nodiscard]] std::uint8_t datagram_priority() const noexcept;
  /// Whether the next thing to send is the oldest datagram rather than the first stream.
  [[nodiscard]] bool datagram_first() const noexcept;
  /// (subscriber priority, publisher priority, turn) of the next thing to send. Only with has_work().
  [[nodiscard]] std::tuple<std::uint8_t, std::uint8_t, std::uint64_t> key() const noexcept;
};

/// Between subscriptions: subscriber priority, publisher priority, then whoever waited longest.
struct LaneBefore {
  bool operator()(const OutgoingLane& left, const OutgoingLane& right) const noexcept {
    return left.key() < right.key();
  }
};

}  // namespace msquic_py::moqt::session
