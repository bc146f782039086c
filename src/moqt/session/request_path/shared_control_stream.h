#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/slab.h"
#include "moqt/session/control_router.h"
#include "moqt/session/handles.h"
#include "moqt/session/recent_ids.h"
#include "moqt/session/request_path/message_stream.h"
#include "moqt/session/request_path/request_ids.h"
#include "moqt/session/request_path/request_path.h"
#include "moqt/session/request_path/request_streams.h"

namespace msquic_py::moqt::session {

enum class RequestKind : std::uint8_t;

/// One bidirectional control stream for all requests, as drafts up to 16 have it: every message names its request by
/// the Request ID, MAX_REQUEST_ID limits how many there may be, and a request is given up by a message of its own
/// (sections 3.3, 9.1, 9.5, 9.6). In draft-16 each SUBSCRIBE_NAMESPACE has a bidirectional stream, which ends with it.
class SharedControlStream final : public RequestPath, private RequestStreams::Reader {
 public:
  explicit SharedControlStream(SessionCore& core);

  void on_control_data(base::Bytes bytes) override;
  void on_control_closed() override;
  void on_bidi_stream_opened() override;
  void on_peer_control_data(base::Bytes) override {}
  void on_request_data(RequestStreamId stream, base::Bytes bytes, bool fin) override {
    streams_.on_data(stream, bytes, fin);
  }
  void on_request_reset(RequestStreamId stream, std::uint64_t code) override;
  void on_request_stopped(RequestStreamId stream, std::uint64_t code) override;
  void on_request_closed(RequestStreamId stream) override;
  /// The few that there are may wait in the transport.
  void on_request_streams_admitted(std::uint64_t) override {}

  [[nodiscard]] bool sets_up_at_once() const override { return false; }
  base::Result<void, SessionError> send_setup(SetupParameters parameters) override;
  base::Result<void, SessionError> send(const wire::MessageBody& body) override;
  void establish(const SetupParameters& peer) override;
  void resume() override;
  void clear() override;

  base::Result<void, SessionError> open(Request& request) override;
  void adopt(Request& request) override;
  void answer(wire::RequestReference request, const wire::MessageBody& body) override;
  base::Result<void, SessionError> send(const Request& request, const wire::MessageBody& body) override;
  void end(Request& request, const std::optional<Cancellation>& cancellation) override;
  Request* find(wire::RequestReference request) const override;
  [[nodiscard]] bool ended(wire::RequestReference request) const override { return done_.contains(request.id); }

 private:
  template <class Body, class... Bodies>
  static constexpr bool kOneOf = (std::same_as<Body, Bodies> || ...);
  using Reference = wire::RequestReference;
  using ByReference = std::unordered_map<Reference, Request*>;

  /// One overload for every message of the draft; what has none does not compile.
  void route(const wire::ControlMessage& message);
  template <class Body>
  requires kOneOf<Body, wire::ClientSetup, wire::ServerSetup, wire::Goaway>
  void on(Reference, const Body& message) { router_.on(message); }
  void on(Reference, const wire::MaxRequestId& message);
  void on(Reference, const wire::RequestsBlocked& message);
  template <class Body>
  requires kOneOf<Body, wire::Subscribe, wire::Publish, wire::Fetch, wire::TrackStatus, wire::PublishNamespace>
  void on(Reference request, const Body& message) {
    if (receive(request)) router_.on(request, message);
  }
  void on(Reference request, const wire::SubscribeNamespace& message);
  void on(Reference request, const wire::RequestUpdate& message);
  /// These belong on the stream of a SUBSCRIBE_NAMESPACE, where there is one.
  template <class Body>
  requires kOneOf<Body, wire::Namespace, wire::NamespaceDone>
  void on(Reference, const Body&) { violate("a message on the control stream that belongs to a request"); }
  /// No codec of a draft with a shared control stream reads these.
  template <class Body>
  requires kOneOf<Body, wire::Setup, wire::SubscribeTracks, wire::PublishSkipped, wire::PublishStateNotify>
  void on(Reference, const Body&) {}
  void on(Reference request, const wire::RequestOk& message);
  void on(Reference request, const wire::RequestError& message);
  void on(Reference request, const wire::SubscribeOk& message);
  void on(Reference request, const wire::PublishOk& message);
  void on(Reference request, const wire::FetchOk& message);
  void on(Reference request, const wire::PublishDone& message);
  void on(Reference request, const wire::Unsubscribe& message);
  void on(Reference request, const wire::UnsubscribeNamespace& message);
  void on(Reference request, const wire::FetchCancel& message);
  void on(Reference request, const wire::PublishNamespaceDone& message);
  void on(Reference request, const wire::PublishNamespaceCancel& message);

  void violate(std::string_view what);
  /// The bytes of a message in scratch_.
  base::Result<void, SessionError> encode(const wire::ControlMessage& message);
  base::Result<void, SessionError> write(const wire::ControlMessage& message);
  /// The same on the stream of a request. Without aliases of tokens, which might come ahead of what registers them.
  base::Result<void, SessionError> write(const RequestStream& stream, const wire::ControlMessage& message);
  /// Takes the Request ID of a request of the peer; false, and the session closes, if it may not have it.
  bool receive(Reference request);
  /// The request of ours that a response names; null when there is none, which closes the session unless the
  /// response is merely late.
  Request* answered(Reference request);
  /// The request, of either endpoint, that a message names; null when it is gone, which is a race, or never was,
  /// which closes the session.
  Request* named(Reference request, std::string_view message);
  /// The peer has given up a request with a message that is for requests of `kind`.
  void cancelled(Reference request, RequestKind kind, std::string_view message);
  /// The message of the draft that gives up a request of that kind.
  void write_cancellation(const Request& request, const Cancellation& cancellation);

  /// The namespace publication that an end or a cancellation is about: by Request ID, in draft-15 by its namespace.
  /// Null when it is gone meanwhile.
  Request* publication(Reference request, const TrackNamespace& track_namespace, bool ours, std::string_view message);

  // ---- shared_control_stream_namespaces.cpp: the streams of draft-16 ----

  void route(RequestStream& stream, const wire::ControlMessage& message) override;
  void on_finished(RequestStream& stream) override;
  /// The peer has given up the request of that stream.
  void give_up(RequestStream& stream);
  /// Null for a request that travels on the control stream.
  [[nodiscard]] RequestStream* stream_of(const Request& request) const;
  void open_stream(const Request& request, Reference reference);

  void flush_waiting();
  /// RequestsPossible, when it is due.
  void tell_of_room();
  /// A request of the peer is over, which may be worth a MAX_REQUEST_ID.
  void return_credit();

  /// More than a session has open at once by default, so that all may end in one stroke.
  static constexpr std::size_t kRememberedSubscriptions = 1024;

  SessionCore& core_;
  ControlRouter router_;
  MessageStream messages_;
  RequestIds ids_;
  const bool namespaces_have_streams_;
  RequestStreams streams_;
  std::unordered_map<RequestHandle, RequestStreamId> by_request_;
  std::unordered_map<Reference, RequestStreamId> by_reference_;  ///< of what came on them and has no answer
  ByReference ours_;
  ByReference peers_;
  std::deque<RequestHandle> waiting_;             ///< requests of ours without credit, oldest first
  bool refused_for_room_ = false;                 ///< one more was refused, and nobody has been told of room since
  std::unordered_set<Reference> late_responses_;  ///< requests of ours that ended before their answer came
  RecentIds<kRememberedSubscriptions> done_;      ///< subscriptions that our PUBLISH_DONE has ended
  base::SlabArena arena_;
  base::ByteVector scratch_;
};

}  // namespace msquic_py::moqt::session
