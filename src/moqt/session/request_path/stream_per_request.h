#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/slab.h"
#include "moqt/session/control_router.h"
#include "moqt/session/handles.h"
#include "moqt/session/request_path/message_stream.h"
#include "moqt/session/request_path/received_ids.h"
#include "moqt/session/request_path/request_path.h"
#include "moqt/session/request_path/request_streams.h"
#include "moqt/session/request_path/reserved_namespace.h"

namespace msquic_py::moqt::session {

/// A bidirectional stream for each request and a unidirectional control stream of each endpoint, as drafts from 17 on
/// have them: the stream names the request, the transport's limit on streams is the only one on requests, and a request
/// is given up by resetting its stream and asking the peer to stop (sections 3.3 and 10 of draft-18).
class StreamPerRequest final : public RequestPath, private RequestStreams::Reader {
 public:
  explicit StreamPerRequest(SessionCore& core);

  void on_control_data(base::Bytes bytes) override;
  void on_control_closed() override;
  void on_bidi_stream_opened() override {}
  void on_peer_control_data(base::Bytes bytes) override;
  void on_request_data(RequestStreamId stream, base::Bytes bytes, bool fin) override {
    streams_.on_data(stream, bytes, fin);
  }
  void on_request_reset(RequestStreamId stream, std::uint64_t code) override;
  void on_request_stopped(RequestStreamId stream, std::uint64_t code) override;
  void on_request_closed(RequestStreamId stream) override;
  void on_request_streams_admitted(std::uint64_t count) override;

  [[nodiscard]] bool sets_up_at_once() const override { return true; }
  base::Result<void, SessionError> send_setup(SetupParameters parameters) override;
  base::Result<void, SessionError> send(const wire::MessageBody& body) override;
  void establish(const SetupParameters& peer) override;
  void resume() override;
  void on_requests_ended() override { flush_waiting(); }
  void clear() override;

  base::Result<void, SessionError> open(Request& request) override;
  void adopt(Request& request) override;
  void answer(wire::RequestReference request, const wire::MessageBody& body) override;
  base::Result<void, SessionError> send(const Request& request, const wire::MessageBody& body) override;
  base::Result<void, SessionError> send_goaway(const Request& request, std::string_view new_session_uri) override;
  void end_migrated(Request& request) override;
  void end(Request& request, const std::optional<Cancellation>& cancellation) override;
  Request* find(wire::RequestReference request) const override;
  /// What the peer sends about such a subscription comes on a stream that is over, and is dropped there.
  [[nodiscard]] bool ended(wire::RequestReference) const override { return false; }

 private:
  template <class Body, class... Bodies>
  static constexpr bool kOneOf = (std::same_as<Body, Bodies> || ...);
  using Reference = wire::RequestReference;
  using ByReference = std::unordered_map<Reference, Request*>;

  // ---- stream_per_request_reading.cpp: what comes on the streams ----

  void route_control(const wire::ControlMessage& message);
  /// One overload for every message; what has none does not compile.
  void route(RequestStream& stream, const wire::ControlMessage& message) override;
  template <class Body>
  requires kOneOf<Body, wire::Subscribe, wire::Publish, wire::Fetch, wire::TrackStatus, wire::PublishNamespace,
                  wire::SubscribeNamespace, wire::SubscribeTracks>
  void on(RequestStream& stream, Reference request, const Body& message) {
    if (begin(stream, request, names_reserved(message))) router_.on(request, message);
  }
  void on(RequestStream& stream, Reference request, const wire::RequestUpdate& message);
  void on(RequestStream& stream, Reference, const wire::RequestOk& message);
  void on(RequestStream& stream, Reference, const wire::RequestError& message);
  void on(RequestStream& stream, Reference, const wire::SubscribeOk& message);
  void on(RequestStream& stream, Reference, const wire::PublishOk& message);
  void on(RequestStream& stream, Reference, const wire::FetchOk& message);
  void on(RequestStream& stream, Reference, const wire::PublishDone& message);
  void on(RequestStream& stream, Reference, const wire::Namespace& message);
  void on(RequestStream& stream, Reference, const wire::NamespaceDone& message);
  void on(RequestStream& stream, Reference, const wire::PublishSkipped& message);
  void on(RequestStream& stream, Reference, const wire::PublishStateNotify& message);
  void on(RequestStream& stream, Reference, const wire::Goaway& message);
  /// What has no place on a stream of a request: SETUP, and what only earlier drafts have.
  template <class Body>
  requires kOneOf<Body, wire::Setup, wire::ClientSetup, wire::ServerSetup, wire::MaxRequestId, wire::RequestsBlocked,
                  wire::Unsubscribe, wire::FetchCancel, wire::PublishNamespaceDone, wire::PublishNamespaceCancel,
                  wire::UnsubscribeNamespace>
  void on(RequestStream&, Reference, const Body&) { violate("a message out of place on the stream of a request"); }

  void violate(std::string_view what);
  /// Takes the Request ID of a request of the peer; false, and the session closes, if it may not have it.
  bool receive(RequestStream& stream, Reference request);
  /// The first message of a stream has come. False when it is refused here, whatever its kind says.
  bool begin(RequestStream& stream, Reference request, bool reserved);
  /// An update of what is no subscription: there is little to it, and it is answered at once.
  void update(RequestStream& stream, Reference request, const wire::RequestUpdate& message);
  /// The oldest request of ours on that stream that has no answer. The session closes when there is none; null also
  /// when that request has ended meanwhile.
  struct Answered {
    Request* request = nullptr;
    wire::MessageType type{};
  };
  std::optional<Answered> answered(RequestStream& stream);
  [[nodiscard]] Request* request_of(const RequestStream& stream) const { return streams_.request_of(stream); }

  // ---- stream_per_request_ends.cpp: how requests end ----

  void on_finished(RequestStream& stream) override;
  /// The peer has broken one of the directions off.
  void on_broken_off(RequestStream& stream, std::uint64_t code);
  /// The publisher says nothing more about the subscription: it ends as with PUBLISH_DONE.
  static void lose(Request& request);
  /// Nothing more will be said here; `cancellation`: nor heard.
  void leave(RequestStream& stream, const std::optional<Cancellation>& cancellation);

  // ---- stream_per_request.cpp ----

  base::Result<base::SharedBytes, SessionError> encode(const wire::ControlMessage& message);
  /// The answer to that request goes out when those before it have.
  void write_answer(RequestStream& stream, Reference request, base::SharedBytes bytes);
  [[nodiscard]] RequestStream* stream_of(const Request& request) const;
  base::Result<void, SessionError> open_update(Request& update);
  /// Updates that wait go out, as many as the peer takes at once.
  void flush_updates(RequestStream& stream);
  void flush_waiting();
  void tell_of_room();

  SessionCore& core_;
  ControlRouter router_;
  MessageStream control_;  ///< of the peer
  std::uint64_t parity_;   ///< of our Request IDs
  std::uint64_t issued_ = 0;
  std::uint64_t most_updates_ = 0;  ///< that may have no answer, on each stream; 0: any number
  ReceivedIds received_;
  ByReference ours_;
  ByReference peers_;
  RequestStreams streams_;
  std::unordered_map<RequestHandle, RequestStreamId> by_request_;
  std::unordered_map<Reference, RequestStreamId> by_reference_;  ///< of the peer's requests that have no answer
  std::deque<RequestHandle> waiting_;      ///< requests of ours that wait for SETUP or for a stream, oldest first
  std::optional<std::uint64_t> admitted_;  ///< streams that may still be opened; nothing: the transport never said
  bool refused_for_room_ = false;          ///< one more was refused, and nobody has been told of room since
  bool set_up_ = false;                    ///< the peer's SETUP has come
  base::SlabArena arena_;
  base::ByteVector scratch_;
};

}  // namespace msquic_py::moqt::session
