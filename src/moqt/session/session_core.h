#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/session/action.h"
#include "moqt/session/authorization/gate.h"
#include "moqt/session/authorization/outgoing_tokens.h"
#include "moqt/session/authorization/token_cache.h"
#include "moqt/session/data/incoming_data.h"
#include "moqt/session/data/outgoing_data.h"
#include "moqt/session/deadlines.h"
#include "moqt/session/event.h"
#include "moqt/session/request_path/request_path.h"
#include "moqt/session/requests/request_context.h"
#include "moqt/session/requests/request_table.h"
#include "moqt/session/ring_queue.h"
#include "moqt/session/session_config.h"
#include "moqt/session/session_state.h"
#include "moqt/wire/codec.h"

namespace msquic_py::moqt::session {

/// The parts of a session, and what they may ask of each other. It decides nothing about any message: that is for
/// the requests, the data plane and ControlRouter.
class SessionCore final : public RequestContext, public IncomingDataContext {
 public:
  SessionCore(Draft negotiated, SessionConfig session_config);

  // ---- RequestContext, IncomingDataContext ----
  base::Result<void, SessionError> send(const Request& request, const wire::MessageBody& body) override {
    return path->send(request, body);
  }
  void emit(Event&& event) override;
  void close(SessionErrorCode code, std::string_view reason) override {
    close(static_cast<std::uint64_t>(code), reason);
  }
  void close(std::uint64_t code, std::string_view reason) override;
  void arm(RequestHandle request, Duration delay) override;
  void disarm(RequestHandle request) override;
  void expire_after(RequestHandle request, Duration time) override;
  void announce(Request& request, RequestReported reported, RequestHandle behind = {}) override;
  void end(RequestHandle request, const std::optional<Cancellation>& cancellation = std::nullopt) override;
  std::uint64_t next_track_alias() override { return next_alias_++; }
  Request* find(RequestHandle request) override { return requests.find(request); }
  OutgoingData& outgoing() override { return outgoing_data; }
  IncomingData& incoming() override { return incoming_data; }
  RingQueue<Event>& events() override { return event_queue; }
  [[nodiscard]] const SessionConfig& config() const override { return config_; }
  [[nodiscard]] const RequestRules& rules() const override { return requests.rules; }
  void give_way(RequestHandle publish, const FullTrackName& track) override;
  base::Result<RequestHandle, SessionError> publish_namespace(TrackNamespace track_namespace,
                                                              Patience patience) override;
  RequestHandle add_announcement(RequestHandle subscription, TrackNamespace track_namespace) override;
  RequestHandle add_fill(RequestHandle subscription, std::uint64_t request_id, wire::Fetch fetch) override;
  void update_quietly(RequestHandle subscription, MessageParameters parameters) override;
  [[nodiscard]] const wire::Codec& codec() const noexcept { return codec_; }
  void stop_sending(IncomingStreamId stream, StreamResetCode code) override;
  void sweep_streams_after(Duration delay) override;
  /// Of the requests and of what is sent.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  void on_stream_ended(RequestHandle subscription) override;
  void on_malformed(RequestHandle request, MalformedTrack reason) override;
  void malformed(RequestHandle request, MalformedTrack reason) override { on_malformed(request, reason); }
  void on_fetch_stream(RequestHandle fetch) override;
  void on_fetch_stream_ended(RequestHandle fetch, bool finished, std::uint64_t code) override;
  void on_fetch_given_up(RequestHandle fetch, StreamResetCode code) override;
  void pause_stream(IncomingStreamId stream, bool paused) override;
  void on_control_stream(base::Bytes bytes, bool ended) override;

  // ---- for Session and ControlRouter ----

  /// Whether there is memory for what the peer wants now.
  [[nodiscard]] bool has_memory() const noexcept { return config_.account == nullptr || config_.account->has_room(); }
  [[nodiscard]] bool closed() const noexcept { return state == SessionState::kClosed; }
  /// Once.
  void send_setup();
  /// CLIENT_SETUP, its tokens resolved. SERVER_SETUP answers it at once, or in admit_client().
  void receive_client_setup(SetupParameters peer);
  void admit_client();
  /// The application allows a request that the gate holds; it refuses one.
  void authorize(Request& request, std::optional<std::uint64_t> expires_ms);
  void refuse_unauthorized(Request& request, RequestErrorCode code, std::string_view reason);
  void on_authorization_deadline(RequestHandle request);
  /// Both SETUPs are there.
  void establish(SetupParameters peer);
  /// A new request of ours of that class, unless it says why there may not be one.
  template <class T, class... Arguments>
  base::Result<RequestHandle, SessionError> ask(Patience patience, Arguments... arguments) {
    if (closed()) return base::Failure{SessionError::kClosed};
    if (goaway_received && !T::kBeginsAfterGoaway) return base::Failure{SessionError::kGoingAway};
    if (const auto error = T::refusal(requests, std::as_const(arguments)...)) return base::Failure{*error};
    T& request =
        requests.add(std::make_unique<T>(*this, requests.next_handle(), /*ours=*/true, std::move(arguments)...));
    request.set_patience(patience);
    return begin(request);
  }
  /// A new request of ours: it goes out at once, or when the peer's credit allows.
  base::Result<RequestHandle, SessionError> begin(Request& request);
  /// The peer has stopped a stream of that subscription or fetch.
  void on_stop_sending(RequestHandle request, StreamHandle stream, std::uint64_t code);
  /// Ends what the input at hand has brought to an end. Call last in every input; mostly there is nothing, and this is
  /// called several times for each object.
  void settle() {
    if (closed() || outgoing_data.has_drained() || requests.has_ended()) end_what_is_over();
  }
  void on_transport_closed(std::uint64_t code, std::string reason, bool by_peer);
  /// The peer has closed a control stream, which nobody may do [d15 §3.3]. What was on its way before that still comes:
  /// Timeouts::control_closed. `violation` is a literal.
  void on_control_lost(const char* violation);
  void on_control_deadline() { close(SessionErrorCode::kProtocolViolation, control_lost_); }

  const Draft draft;
  SessionState state = SessionState::kIdle;
  /// The application has not admitted the client yet: what it sends meanwhile waits.
  bool awaits_admission = false;
  RequestTable requests;
  Deadlines deadlines;
  TokenCache token_cache;  ///< of what the peer registers
  OutgoingTokens outgoing_tokens;
  Gate gate;
  OutgoingData outgoing_data;
  IncomingData incoming_data;
  RingQueue<Event> event_queue;
  RingQueue<Action> action_queue;
  std::optional<SetupParameters> peer_setup;
  bool setup_sent = false;
  bool goaway_received = false;
  std::string goaway_uri;  ///< where it sends us; empty: to where we are
  bool goaway_sent = false;
  std::unique_ptr<RequestPath> path;

 private:
  void end_what_is_over();
  /// Asks the application, unless what it depends on has not been allowed yet.
  void ask_authorization(RequestHandle request);
  /// The request is over; nobody needs to allow it.
  void forget_authorization(RequestHandle request);
  /// The end of a request that it has not been told of.
  [[nodiscard]] bool is_unknown_to_application(const Event& event) const;

  SessionConfig config_;
  const wire::Codec& codec_;
  std::uint64_t next_alias_ = 1;
  const char* control_lost_ = nullptr;
};

}  // namespace msquic_py::moqt::session
