#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "moqt/model/error_codes.h"
#include "moqt/model/fetch_range.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/group_order.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/model/track_namespace.h"
#include "moqt/session/authorization/authorization_requested.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/handles.h"
#include "moqt/session/namespace_interest.h"
#include "moqt/wire/request.h"

namespace msquic_py::moqt::session {

/// What the session tells the application, in the order in which it happened. Codes are kept as received: a peer may
/// send one that has no name.

/// Both SETUP messages have been exchanged. `peer` holds the peer's parameters; a server authorises here.
struct Established {
  SetupParameters peer;
};

/// The last event of a session. `by_peer` tells who closed; `reason` is for people.
struct Closed {
  std::uint64_t code = 0;
  std::string reason;
  bool by_peer = false;
};

/// The peer will close soon [d15 §9.4]. A client goes to `new_session_uri`, or to its present URI when empty. With a
/// `request`, in drafts from 17 on, it is about that request alone: make it again there, and end this one.
struct GoawayReceived {
  std::string new_session_uri;
  std::uint64_t timeout_ms = 0;  ///< how long the peer waits; 0: it does not say
  RequestHandle request{};       ///< null: the session
};

// ---- requests of the peer: answer each with accept() or reject() ----

/// SUBSCRIBE [d15 §9.9]. If the application accepts, it publishes to `request`.
struct SubscribeReceived {
  RequestHandle request;
  FullTrackName track;
  MessageParameters parameters;
};

/// PUBLISH [d15 §9.13]. Objects may follow before the answer.
struct PublishReceived {
  RequestHandle request;
  FullTrackName track;
  MessageParameters parameters;
};

/// SUBSCRIBE_UPDATE [d15 §9.11] of a subscription that this endpoint publishes to. accept(update) applies it;
/// reject(update) ends the subscription with UPDATE_FAILED once its streams are closed.
struct UpdateReceived {
  RequestHandle update;
  RequestHandle subscription;
  MessageParameters parameters;
};

/// PUBLISH_NAMESPACE [d15 §9.20]. One for a namespace that is live already is answered with REQUEST_OK and makes no
/// event.
struct NamespacePublished {
  RequestHandle request;
  TrackNamespace track_namespace;
  MessageParameters parameters;
};

/// SUBSCRIBE_NAMESPACE [d15 §9.23], or SUBSCRIBE_TRACKS.
struct NamespaceSubscribed {
  RequestHandle request;
  TrackNamespace prefix;
  MessageParameters parameters;
  NamespaceInterest interest = NamespaceInterest::kBoth;
};

/// REQUEST_UPDATE of a SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS of the peer (draft-22 section 9.5.2). accept(update)
/// applies it, after which what the peer has been told of is forgotten, and announce() tells it of what lies under the
/// prefix now; reject(update) ends the subscription (NamespaceUnsubscribed).
struct NamespaceUpdateReceived {
  RequestHandle update;
  RequestHandle subscription;
  TrackNamespace prefix;  ///< the new one, or that which stays
  MessageParameters parameters;
};

/// TRACK_STATUS [d15 §9.19]. accept() ends it.
struct TrackStatusReceived {
  RequestHandle request;
  FullTrackName track;
  MessageParameters parameters;
};

/// FETCH [d15 §9.16], answered with accept_fetch() or reject(); open_fetch() begins the stream for its objects,
/// before or after that. `range` is valid. That of a joining FETCH follows from the subscription it joins, and ends
/// with the largest object at that subscription's beginning; a standalone FETCH that starts behind the largest object
/// is the application's to reject with INVALID_RANGE [d15 §9.16.3].
struct FetchReceived {
  RequestHandle request;
  FullTrackName track;
  FetchRange range;
  GroupOrder group_order = GroupOrder::kAscending;
  std::uint8_t subscriber_priority = 128;
  RequestHandle joined;  ///< the subscription; null for a standalone FETCH
  MessageParameters parameters;
  /// In draft-22 a FETCH may begin so many groups before the one that comes next: what that is, only who knows the
  /// largest object can tell. Nothing is to be done with it before Session::resolve_fetch(); `range` is the whole
  /// track.
  std::optional<std::uint64_t> groups_back{};
};

// ---- answers to our requests ----

/// SUBSCRIBE_OK, PUBLISH_OK or REQUEST_OK. An update and a TRACK_STATUS end with it; the others live on.
struct RequestAccepted {
  RequestHandle request;
  MessageParameters parameters;
};

/// FETCH_OK [d15 §9.17]. Objects may have come before it; FetchEnded follows.
struct FetchAccepted {
  RequestHandle request;
  /// The track ends with the last object before `end`.
  bool end_of_track = false;
  Location end;  ///< as FetchRange::end; smaller than asked for where the track does not go so far yet
  MessageParameters parameters;
};

/// Where else to ask, as a REQUEST_ERROR has it.
using Redirect = wire::Redirect;

/// REQUEST_ERROR; the request has ended. A subscription whose update failed ends with its own event. TIMEOUT also when
/// no answer came in time (Patience): the session has withdrawn the request.
struct RequestRejected {
  RequestHandle request;
  std::uint64_t code = 0;
  std::string reason;
  /// From draft 16 on: milliseconds after which to ask again; nothing when that is pointless, or nobody has said.
  std::optional<std::uint64_t> retry_after_ms{};
  /// From draft 18 on: where else to ask, with the code REDIRECT.
  std::optional<Redirect> redirect{};
};

// ---- ends ----

/// UNSUBSCRIBE for a subscription this endpoint publishes to, or a SUBSCRIBE_UPDATE that no publisher can grant and
/// that the session has answered with UPDATE_FAILED; its streams have been reset and its handle is stale.
struct Unsubscribed {
  RequestHandle subscription;
};

/// A subscription this endpoint receives has ended: PUBLISH_DONE arrived, and every stream it counts has been read
/// or the time for them is over [d15 §9.15].
struct SubscriptionDone {
  RequestHandle subscription;
  std::uint64_t code = 0;
  std::uint64_t stream_count = 0;
  std::string reason;
  /// Streams that PUBLISH_DONE counts but that never came; zero when the publisher did not know its count.
  std::uint64_t missing_streams = 0;
};

/// PUBLISH_STATE_NOTIFY: the publisher tells what has changed of a subscription that this endpoint receives without an
/// update of this endpoint, and where the track stood then (draft-22 section 9.10). FORWARD says whether the publisher
/// has paused it, LOCATION_FILTER which filter counts there now; what is absent has not changed. The session has taken
/// it over, and nothing needs to be done.
struct SubscriptionChanged {
  RequestHandle subscription;
  MessageParameters parameters;
};

/// Two thirds of the time that the publisher gave a subscription (EXPIRES) are over: an update() makes it start again
/// [d15 §9.2.1.8]. Session::expiry() tells when it ends.
struct SubscriptionExpiring {
  RequestHandle subscription;
};

/// The time that this endpoint gave a subscription it publishes to (EXPIRES) is over: end it with publish_done() and
/// EXPIRED [d15 §9.15].
struct SubscriptionExpired {
  RequestHandle subscription;
};

/// The track broke the rules of [d15 §2.4.2]; the session has sent UNSUBSCRIBE or FETCH_CANCEL, the handle is stale.
/// One for every subscription and fetch of the track.
struct TrackMalformed {
  RequestHandle subscription;  ///< or the fetch
  MalformedTrack reason{};
};

/// A FETCH of the peer has ended without the application: its stream has been reset, its handle is stale. One that had
/// no answer has got REQUEST_ERROR.
struct FetchCancelled {
  enum class Cause : std::uint8_t {
    kFetchCancel,  ///< FETCH_CANCEL [d15 §9.18]
    kStopSending,  ///< of its stream
    kNoRoom,       ///< more streams were open than Limits::max_outgoing_streams allows [d15 §12.1]
  };
  RequestHandle request;
  Cause cause = Cause::kFetchCancel;
};

/// PUBLISH_NAMESPACE_DONE for an announcement of the peer.
struct NamespaceDone {
  RequestHandle request;
};

/// PUBLISH_NAMESPACE_CANCEL for an announcement of ours.
struct NamespaceCancelled {
  RequestHandle request;
  std::uint64_t code = 0;
  std::string reason;
};

/// UNSUBSCRIBE_NAMESPACE.
struct NamespaceUnsubscribed {
  RequestHandle request;
};

/// NAMESPACE: there are tracks in this namespace, below the prefix of our subscribe_namespace().
struct NamespaceFound {
  RequestHandle subscription;
  TrackNamespace track_namespace;
};

/// NAMESPACE_DONE: there are none any more.
struct NamespaceLost {
  RequestHandle subscription;
  TrackNamespace track_namespace;
};

/// The publisher has ended our subscribe_namespace() or subscribe_tracks(): every namespace that was found is lost.
/// Subscriptions that came of it go on.
struct NamespaceSubscriptionEnded {
  RequestHandle subscription;
  std::uint64_t code = 0;  ///< a RequestErrorCode; kInternalError when the stream's end says nothing
  std::string reason;
};

/// PUBLISH_SKIPPED: the publisher makes no subscription to this track, mostly for want of streams, although
/// subscribe_namespace() asked for the tracks there. subscribe() may.
struct PublishSkipped {
  RequestHandle subscription;
  FullTrackName track;
};

/// The session has reset a subgroup stream that the application writes; its handle is stale, the subscription goes on.
struct OutgoingStreamStopped {
  enum class Cause : std::uint8_t {
    kStopSending,      ///< the subscriber does not want the rest of the subgroup [d15 §10.4.3]
    kNoRoom,           ///< more streams were open than Limits::max_outgoing_streams allows [d15 §12.1]
    kUpdate,           ///< Forward State 0, or a filter that leaves the group out
    kDeliveryTimeout,  ///< an object waited for longer than OBJECT_DELIVERY_TIMEOUT allows [d15 §9.2.1.2]
    /// A delivery timeout is over after which no more of the subgroup is to be sent: SUBGROUP_DELIVERY_TIMEOUT, or from
    /// draft 18 on either (draft-18 section 8).
    kSubgroupTimeout,
  };
  RequestHandle subscription;
  StreamHandle stream;
  std::uint64_t code = 0;
  Cause cause = Cause::kStopSending;

  /// Whether later objects of the subgroup may go out on a new stream.
  [[nodiscard]] bool resumable() const noexcept { return cause == Cause::kUpdate || cause == Cause::kDeliveryTimeout; }
};

/// Requests that were refused with kTooManyRequests may be made again: no more than half of
/// Limits::max_waiting_requests wait for the peer's credit now.
struct RequestsPossible {};

using Event =
    std::variant<std::monostate, ObjectReceived, ObjectPayload, SubgroupOpened, SubgroupEnded, DatagramReceived,
                 Established, Closed, GoawayReceived, SubscribeReceived, PublishReceived, UpdateReceived,
                 NamespacePublished, NamespaceSubscribed, TrackStatusReceived, RequestAccepted, RequestRejected,
                 Unsubscribed, SubscriptionDone, TrackMalformed, NamespaceDone, NamespaceCancelled,
                 NamespaceUnsubscribed, OutgoingStreamStopped, RequestsPossible, FetchReceived, FetchAccepted,
                 FetchObjectReceived, FetchEnded, FetchCancelled, AuthorizationRequested, AuthorizationWithdrawn,
                 SubscriptionExpiring, SubscriptionExpired, NamespaceFound, NamespaceLost, NamespaceSubscriptionEnded,
                 PublishSkipped, FetchGapReceived, NamespaceUpdateReceived, SubscriptionChanged>;

}  // namespace msquic_py::moqt::session
