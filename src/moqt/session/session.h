#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/model/track_namespace.h"
#include "moqt/session/action.h"
#include "moqt/session/data/datagram_properties.h"
#include "moqt/session/data/fetch_object.h"
#include "moqt/session/data/stream_feeder.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/data/unsent_watch.h"
#include "moqt/session/event.h"
#include "moqt/session/fetch_answer.h"
#include "moqt/session/handles.h"
#include "moqt/session/joining_start.h"
#include "moqt/session/namespace_interest.h"
#include "moqt/session/patience.h"
#include "moqt/session/published_subscription.h"
#include "moqt/session/session_config.h"
#include "moqt/session/session_error.h"
#include "moqt/session/session_state.h"
#include "moqt/session/time.h"
#include "moqt/session/transport_report.h"

namespace msquic_py::moqt::session {

template <class T>
using SessionResult = base::Result<T, SessionError>;

class NamespaceSubscription;
class SessionCore;

/// One endpoint of one MOQT session, without sockets, threads or a clock. Not thread-safe: one owner.
///
/// Four kinds of methods:
///  - advance (`start`, `on_…`): the transport reports what happened, and when;
///  - ask (`subscribe`, `accept`, `open_subgroup` …): the application wants something; a refused call changes nothing;
///  - drain (`poll_action`, `poll_event`): take what came of it, until each says false; actions first;
///  - observe (`next_deadline`, `state` …): change nothing. next_deadline() counts after poll_action() said false.
///
/// After any advance or ask: drain actions, drain events, repeat while either had something, then arm one timer for
/// next_deadline(). After CloseSession no action follows, and after Closed no event.
class Session {
 public:
  using State = SessionState;

  /// `draft` is what the handshake has agreed on [d15 §3.1].
  Session(Draft draft, SessionConfig config);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // ---- advance ----

  /// The connection is up. The client sends CLIENT_SETUP; the server waits for it.
  void start(Time now);
  /// Bytes of the bidirectional control stream, any split.
  void on_control_data(Time now, base::Bytes bytes);
  /// The peer finished, reset or stopped the control stream [d15 §3.3]. Where each endpoint has a unidirectional one:
  /// the peer stopped that of this endpoint.
  void on_control_closed(Time now);
  /// Bytes of a unidirectional stream of the peer, in order; `fin` with or after the last ones. `bytes` is kept by
  /// reference for as long as the application keeps the events made of it.
  void on_uni_stream_data(Time now, IncomingStreamId stream, base::SharedBytes bytes, bool fin);
  void on_uni_stream_reset(Time now, IncomingStreamId stream, std::uint64_t code);
  /// The peer opened a bidirectional stream other than the control stream [d15 §3.3], in a draft that has no others.
  void on_bidi_stream_opened(Time now);
  /// Bytes of a bidirectional stream that carries a request, in order; `fin` with or after the last ones.
  void on_request_data(Time now, RequestStreamId stream, base::Bytes bytes, bool fin);
  /// The peer reset its direction of such a stream.
  void on_request_reset(Time now, RequestStreamId stream, std::uint64_t code);
  /// STOP_SENDING on such a stream; the transport has reset this endpoint's direction.
  void on_request_stopped(Time now, RequestStreamId stream, std::uint64_t code);
  /// Both directions of such a stream have ended; nothing more is reported of it.
  void on_request_closed(RequestStreamId stream);
  /// The peer admits so many more bidirectional streams of this endpoint. A transport that never says so admits any
  /// number: what is too much waits there.
  void on_request_streams_admitted(std::uint64_t count);
  /// STOP_SENDING on a stream of ours.
  void on_stop_sending(Time now, StreamHandle stream, std::uint64_t code);
  void on_datagram(Time now, const base::SharedBytes& bytes);
  /// The transport has let go of `bytes` bytes of this stream (acknowledged, or given up), making room in the window.
  void on_stream_bytes_sent(StreamHandle stream, std::size_t bytes);
  /// A datagram of so many bytes has left, or was dropped.
  void on_datagram_sent(std::size_t bytes);
  /// An acknowledgement has come: how much the transport can use now. A transport that never says so gets what
  /// set_send_window() allows.
  void on_transport_report(const TransportReport& report);
  /// The largest datagram the path takes now; 0: none may be sent.
  void on_datagram_max_size(std::size_t bytes);
  void on_deadline(Time now);
  /// The connection is gone. `code` is the peer's application code when it closed. `by_peer`: not when it was this side
  /// that gave it up, for one because nothing came any more.
  void on_transport_closed(Time now, std::uint64_t code, std::string reason, bool by_peer);
  /// Bytes that may be in the transport's hands at once, over all data streams, until the transport reports what it can
  /// use. 0: none, not even the little that every subscription may have there.
  void set_send_window(std::size_t bytes);

  // ---- drain ----

  bool poll_action(Time now, Action& action);
  bool poll_event(Event& event);

  // ---- observe ----

  [[nodiscard]] std::optional<Time> next_deadline() const;
  /// Whether objects wait until the transport lets go of some of what it has. After poll_action() said false.
  [[nodiscard]] bool waits_for_transport() const noexcept;
  [[nodiscard]] State state() const noexcept;
  [[nodiscard]] const SessionConfig& config() const noexcept;
  [[nodiscard]] Draft draft() const noexcept;
  /// The peer's setup parameters, PATH and AUTHORITY of a client's included; null before its SETUP.
  [[nodiscard]] const SetupParameters* peer_setup() const noexcept;
  /// When a subscription, of either direction, ends unless it is renewed (EXPIRES, [d15 §9.2.1.8]); nothing when it has
  /// no end, or nobody has told the time since that was said.
  [[nodiscard]] std::optional<Time> expiry(RequestHandle subscription) const;
  /// Whether that request waits for authorize() or reject(); without one, the session for authorize_session().
  [[nodiscard]] bool awaits_authorization(RequestHandle request = {}) const noexcept;
  /// Whether this endpoint has begun that request; false for a stale handle.
  [[nodiscard]] bool is_ours(RequestHandle request) const noexcept;
  /// Whether the peer sent GOAWAY: no new requests.
  [[nodiscard]] bool going_away() const noexcept;
  /// The New Session URI of that GOAWAY [d15 §9.4]: where a client is to go; empty when it names none, and before.
  [[nodiscard]] std::string_view new_session_uri() const noexcept;
  /// Whether subscribe_namespace() may ask for a prefix without fields: not in draft-15 [d15 §9.23].
  [[nodiscard]] bool may_ask_for_every_namespace() const noexcept;
  [[nodiscard]] std::size_t max_datagram_size() const noexcept;
  /// Whether something that was written waits to become an action: it is not its turn, or there is no room for it.
  [[nodiscard]] bool has_unsent() const noexcept;
  /// Requests, of both endpoints, that have not ended.
  [[nodiscard]] std::size_t open_requests() const noexcept;

  // ---- ask: begin a request ----
  // Each waits here for SETUP and for the peer's credit when there is none yet; RequestAccepted or RequestRejected
  // answers it, the latter with TIMEOUT when the peer takes longer than `patience`. Parameters not defined for the
  // message must not be given. kTooManyRequests: RequestsPossible tells when to try again.

  /// SUBSCRIBE. One live subscription per track. kInvalidParameter also for Range Filters that the peer takes no such
  /// of: faulty ones, more ranges than its MAX_FILTER_RANGES, any before its SETUP.
  SessionResult<RequestHandle> subscribe(FullTrackName track, MessageParameters parameters = {},
                                         Patience patience = {});
  /// PUBLISH. Objects may be written right away unless the parameters say FORWARD=0. With INCLUDE_PROPERTIES 0 among
  /// the parameters the properties of the track count here and are not sent, as a SUBSCRIBE_TRACKS may ask for.
  SessionResult<RequestHandle> publish(FullTrackName track, MessageParameters parameters = {}, Patience patience = {});
  SessionResult<RequestHandle> publish_namespace(TrackNamespace track_namespace, MessageParameters parameters = {},
                                                 Patience patience = {});
  /// Asks for what is published below the prefix. Up to draft 15 that is SUBSCRIBE_NAMESPACE, which the peer answers
  /// with PUBLISH_NAMESPACE and PUBLISH; asking for only one of them is kNotInDraft. Later, SUBSCRIBE_NAMESPACE brings
  /// namespaces (NamespaceFound) and SUBSCRIBE_TRACKS brings PUBLISH; for both the session makes both requests, of
  /// which the first is the one with this handle, and FORWARD is for the second.
  SessionResult<RequestHandle> subscribe_namespace(TrackNamespace prefix, MessageParameters parameters = {},
                                                   Patience patience = {},
                                                   NamespaceInterest interest = NamespaceInterest::kBoth);
  /// Tells the peer, whose namespace subscription has been accepted, of a namespace below its prefix: with NAMESPACE
  /// where the draft has it, otherwise with PUBLISH_NAMESPACE as publish_namespace() does. cancel() says that it is
  /// published no more. What was told by NAMESPACE is over with `subscription`, without an event.
  SessionResult<RequestHandle> announce(RequestHandle subscription, TrackNamespace track_namespace,
                                        Patience patience = {});
  /// Tells the peer, whose subscription to tracks has been accepted, that no PUBLISH of this track comes of it:
  /// PUBLISH_SKIPPED, PUBLISH_BLOCKED in draft-18 (draft-22 section 3.6.3). kNotInDraft: drafts up to 16 have no such
  /// message.
  SessionResult<void> skip_publish(RequestHandle subscription, const FullTrackName& track);
  SessionResult<RequestHandle> track_status(FullTrackName track, MessageParameters parameters = {},
                                            Patience patience = {});
  /// SUBSCRIBE_UPDATE of an established subscription that this endpoint receives. Absent parameters stay. A TIMEOUT
  /// leaves open whether the publisher has applied it; the subscription goes on. From draft 18 on REQUEST_UPDATE of a
  /// subscribe_namespace(), too: TRACK_NAMESPACE_PREFIX moves it to another prefix, which tells anew what lies there,
  /// and in draft-22 FORWARD and TRACK_PROPERTY_FILTER are for tracks that come later. One that is refused ends it.
  SessionResult<RequestHandle> update(RequestHandle subscription, MessageParameters parameters, Patience patience = {});

  /// FETCH of past objects, from `start` up to, without, `end`; an `end` with object 0 takes all of its group in
  /// [d15 §9.16.1]. FetchAccepted or RequestRejected answers it; the objects come on one stream, before or after
  /// that, as FetchObjectReceived; FetchEnded ends it. kEmptyRange: it ends before it starts.
  SessionResult<RequestHandle> fetch(FullTrackName track, Location start, Location end,
                                     MessageParameters parameters = {}, Patience patience = {});
  /// FETCH of what came before a subscription that this endpoint receives, up to the LARGEST_OBJECT of its beginning:
  /// fetch and subscription together have no gap and nothing twice [d15 §9.16.2]. The subscription may still wait
  /// for its SUBSCRIBE_OK. kNotJoinable: its filter is not Largest Object.
  SessionResult<RequestHandle> join(RequestHandle subscription, JoiningStart start, MessageParameters parameters = {},
                                    Patience patience = {});

  // ---- ask: tokens of ours ----
  // Requests take them as parameters, type and value. One that comes a second time is registered with the peer, if it
  // has room for it, and sent as its alias from then on.

  /// The token, of which type and value count, is registered with the first request that carries it, and stays so.
  void register_token(const AuthorizationToken& token);
  /// It is not used any more: DELETE goes out with the next request that may carry tokens, if it was registered.
  void retire_token(const AuthorizationToken& token);

  // ---- ask: answer a request of the peer ----

  /// SUBSCRIBE_OK, PUBLISH_OK or REQUEST_OK, as the request needs. A TRACK_STATUS is answered with what a SUBSCRIBE
  /// would be, of which what the draft has no place for is left out. For SUBSCRIBE and SUBSCRIBE_UPDATE give
  /// LARGEST_OBJECT if any object exists: relative filters start from it. kInvalidRange: the filter of a SUBSCRIBE ends
  /// before the largest object's group; the session has answered with REQUEST_ERROR INVALID_RANGE [d15 §9.9].
  SessionResult<void> accept(RequestHandle request, MessageParameters parameters = {});
  /// What a FETCH asks for whose start is relative to the largest object of the track (FetchReceived::groups_back).
  /// kEmptyRange: it begins behind that object, and has been refused with INVALID_RANGE.
  SessionResult<FetchRange> resolve_fetch(RequestHandle request, Location largest);
  /// FETCH_OK, once the end is known [d15 §9.17]. kEmptyRange, kOutOfRange: `answer.end` lies before the start, or
  /// behind what was asked for. The fetch is over, its handle stale, when its stream has been finished or reset, too.
  SessionResult<void> accept_fetch(RequestHandle request, const FetchAnswer& answer, MessageParameters parameters = {});
  /// REQUEST_ERROR. `reason` is cut at 1024 bytes. The stream of a FETCH is reset.
  SessionResult<void> reject(RequestHandle request, RequestErrorCode code, std::string_view reason = {});
  /// Allows what AuthorizationRequested asks for; the request's own event follows, then accept() or reject() answer it.
  /// reject() refuses it right away; with EXPIRED_AUTH_TOKEN, if it has one token, as expire_token() does, too.
  /// `expires_ms`: for how long, see Verdict::expires_ms.
  SessionResult<void> authorize(RequestHandle request, std::optional<std::uint64_t> expires_ms = std::nullopt);
  /// Admits the client: SERVER_SETUP goes out, and Established follows. close() refuses it, for example with
  /// UNAUTHORIZED.
  SessionResult<void> authorize_session();
  /// This token, of which type and value count, has expired: if the peer has registered it, each request with its alias
  /// is refused with EXPIRED_AUTH_TOKEN and nobody is asked [d15 §9.2.1.1].
  void expire_token(const AuthorizationToken& token);

  // ---- ask: end a request ----

  /// Withdraws what this endpoint wants: a subscription it receives (UNSUBSCRIBE), a namespace it announced
  /// (PUBLISH_NAMESPACE_DONE) or subscribed to (UNSUBSCRIBE_NAMESPACE), a FETCH (FETCH_CANCEL, and its stream is
  /// stopped), answered or not; it also forgets a TRACK_STATUS. The handle is stale afterwards; no event follows for
  /// it. A PUBLISH is ended with publish_done().
  SessionResult<void> cancel(RequestHandle request);
  /// PUBLISH_DONE for a subscription that this endpoint publishes to. Sent when its last open stream has been
  /// finished or reset, and a PUBLISH has been answered; from now on none can be opened. The handle is stale once it
  /// is sent.
  SessionResult<void> publish_done(RequestHandle subscription, PublishDoneCode code, std::string_view reason = {});
  /// PUBLISH_STATE_NOTIFY: tells the subscriber that FORWARD or LOCATION_FILTER, whichever `changes` has, is another
  /// one from now on although no update of it says so; what goes out follows that. Both are the subscriber's to set:
  /// only as it has asked for elsewhere may a publisher change them (draft-22 section 9.10). Without any it says where
  /// the track stands, which every one does: LARGEST_OBJECT of `changes`, or what the session knows. kNotInDraft:
  /// drafts before 22. kInvalidParameter: it has others, or the filter ends before it starts. kWrongState: the
  /// subscription has not been accepted, or has ended.
  SessionResult<void> notify_state(RequestHandle subscription, MessageParameters changes = {});
  /// PUBLISH_NAMESPACE_CANCEL: takes back the acceptance of an announcement of the peer.
  SessionResult<void> cancel_namespace(RequestHandle request, RequestErrorCode code, std::string_view reason = {});
  /// GOAWAY; only a server may name a URI. The session closes with GOAWAY_TIMEOUT when the peer does not leave.
  SessionResult<void> goaway(std::string_view new_session_uri = {});
  /// GOAWAY on the stream of a request of either endpoint: its requester is to make it again at that URI, in this
  /// session without one, and to end this one; the others go on (draft-22 section 9.2). A request that is still there
  /// after Timeouts::goaway is reset with GOING_AWAY, and ends as if the peer had given it up. kNotInDraft: drafts up
  /// to 16 have no such thing. kWrongState: it has been said, or has not gone out. kWrongRole: a client names no URI.
  SessionResult<void> goaway(RequestHandle request, std::string_view new_session_uri = {});
  /// Closes the session with any code; the reason goes to the peer, cut at 512 bytes. Without one the code's name does.
  void close(SessionErrorCode code, std::string_view reason = {});

  // ---- ask: send objects ----

  /// What a subscription this endpoint publishes to wants now; null for a stale handle. Valid until the next call
  /// that is not "observe".
  [[nodiscard]] const PublishedSubscription* published(RequestHandle subscription) const noexcept;
  /// Tells the session of the largest object of the track although it was not sent on this subscription (Forward
  /// State 0, filtered): relative filters of a later PUBLISH_OK or update start from it.
  void note_largest_object(RequestHandle subscription, Location largest);

  /// `watch` hears of objects of a subscription this endpoint publishes to that were taken and are not sent after all:
  /// of those that are taken from now on, until the subscription ends; null ends it sooner.
  void watch_unsent(RequestHandle subscription, UnsentWatch* watch);

  /// A new stream for one subgroup; opened at the transport when its turn to send comes. Beyond
  /// Limits::max_outgoing_streams the least urgent stream is cancelled [d15 §12.1]: of the lowest priority, then of
  /// the subscription that has the most open, then with nothing left to send, then the one written to least recently.
  /// OutgoingStreamStopped reports it. kTooManyStreams: that would be this one, and the subscriber sees it reset.
  SessionResult<StreamHandle> open_subgroup(RequestHandle subscription, const SubgroupProperties& properties);
  /// Appends an object, or its beginning. `wire` begins with an Object ID Delta of `delta_size` bytes; the session
  /// replaces the delta where the stream's previous object asks for another one and sends the rest by reference.
  /// `remaining` payload bytes follow with append_payload(). The OBJECT_DELIVERY_TIMEOUT of the subscription counts
  /// from the next poll_action() on; an object that is not delivered by then resets its stream (OutgoingStreamStopped).
  SessionResult<void> append_object(StreamHandle stream, std::uint64_t object, const base::SharedBytes& wire,
                                    std::size_t delta_size, std::uint64_t remaining = 0);
  SessionResult<void> append_payload(StreamHandle stream, base::SharedBytes bytes);
  /// The one stream for the objects of a FETCH of the peer [d15 §9.16.3]; without an object, finish it all the same.
  /// It is sent with the subscriber priority of the FETCH and the publisher priority of its next object, and never
  /// times out. kDuplicate: it has been opened. kTooManyStreams as for open_subgroup(); FetchCancelled follows.
  SessionResult<StreamHandle> open_fetch(RequestHandle fetch);
  /// Appends an object, or its beginning; what `object.payload` lacks of it follows with append_payload(). The session
  /// leaves out what the object before says already. kOutOfRange, kObjectOutOfOrder: the stream stays as it was.
  SessionResult<void> append_fetch_object(StreamHandle stream, const FetchObject& object);
  /// Of the range of a fetch everything behind the object or gap before, up to `end` as in FetchRange::end, is left out
  /// for that reason (draft-22 section 3.2.2); what there is behind it may follow. Where the draft does not tell what
  /// timed out from what is unknown, it is said to be unknown. kNotInDraft: draft-15 has none of this.
  SessionResult<void> append_fetch_gap(StreamHandle stream, Location end, wire::FetchGap gap);
  /// FIN: every object of the subgroup since the start of the subscription has been appended.
  SessionResult<void> finish_stream(StreamHandle stream);
  /// Every object of the stream's subgroup has been published, at `since`, or now when that is not known, although not
  /// all of them have been appended: from then on its SUBGROUP_DELIVERY_TIMEOUT counts (draft-22 section 5.2). What is
  /// not acknowledged when that is over, objects that have not been appended included, is not sent any more: the stream
  /// is reset (OutgoingStreamStopped, unless it was finished). finish_stream() says the same.
  SessionResult<void> note_published(StreamHandle stream, std::optional<Time> since = std::nullopt);
  /// For a stream that must not be finished, because an object of its subgroup was left out [d15 §10.4.3]: it takes
  /// nothing more, and is reset once what it has is acknowledged.
  SessionResult<void> retire_stream(StreamHandle stream, StreamResetCode code);
  /// Resets the stream; what is queued is dropped.
  SessionResult<void> reset_stream(StreamHandle stream, StreamResetCode code);
  /// Resets every open stream of a subscription and drops its datagrams.
  SessionResult<void> reset_streams(RequestHandle subscription, StreamResetCode code);
  /// Bytes of the stream that the transport has not taken yet; 0 for a stream that has ended.
  [[nodiscard]] std::size_t queued_bytes(StreamHandle stream) const noexcept;
  /// The same, with slices, and whether the stream takes more; not open for a stream that has ended.
  [[nodiscard]] StreamBacklog backlog(StreamHandle stream) const noexcept;

  /// From now on `feeder` has the stream's objects; null takes it away. The session drops the pointer when the stream
  /// has been finished, retired or reset; until then the feeder lives, or takes itself away.
  SessionResult<void> set_feeder(StreamHandle stream, StreamFeeder* feeder);
  /// There is more for the stream than has been appended: its feeder is called when its turn comes; see StreamFeeder.
  /// kWrongState: it has no feeder.
  SessionResult<void> request_feed(StreamHandle stream);

  /// Queues an object as a datagram. `after_alias` is everything after the Track Alias, by reference. False when the
  /// datagram is larger than the path takes: the object is dropped, as [d15 §10.3] has it.
  SessionResult<bool> send_datagram(RequestHandle subscription, const DatagramProperties& properties,
                                    const base::SharedBytes& after_alias);

  // ---- ask: receive objects ----

  /// Whether a request of ours has not gone out yet, for want of the peer's credit.
  [[nodiscard]] bool waits_for_credit(RequestHandle request) const noexcept;

  /// The alias that the publisher gave a subscription this endpoint receives [d15 §10.1]. Nothing before
  /// SUBSCRIBE_OK or for a stale handle.
  [[nodiscard]] std::optional<std::uint64_t> track_alias(RequestHandle subscription) const noexcept;
  /// Whether other subscriptions of this endpoint have, or had, that alias at the same time: what two of them want
  /// comes twice, and both times for each of them (draft-22 section 3.1).
  [[nodiscard]] bool shares_alias(RequestHandle subscription) const noexcept;

  /// Gives up one incoming stream with STOP_SENDING; its subscription goes on, and SubgroupEnded follows. A fetch ends
  /// with its stream: FETCH_CANCEL goes out, and FetchEnded follows with `code`.
  void stop_stream(IncomingStreamId stream, StreamResetCode code);
  /// An application that has enough for now makes the peer wait for it, by flow control: no more of the stream comes,
  /// except what is on its way, until resume_stream(). No timeout counts meanwhile. Of a stream that has ended, or ends
  /// meanwhile, nothing needs to be resumed.
  void pause_stream(IncomingStreamId stream);
  void resume_stream(IncomingStreamId stream);

 private:
  SessionResult<RequestHandle> update_namespaces(const NamespaceSubscription& subscription,
                                                 MessageParameters parameters, Patience patience);

  std::unique_ptr<SessionCore> core_;
};

}  // namespace msquic_py::moqt::session
