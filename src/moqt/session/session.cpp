#include "moqt/session/session.h"

#include <memory>
#include <utility>

#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

/// What `call` says of the request with that handle.
template <class Call>
auto with_request(SessionCore& core, RequestHandle handle, Call call) -> decltype(call(std::declval<Request&>())) {
  if (core.closed()) return base::Failure{SessionError::kClosed};
  Request* request = core.requests.find(handle);
  if (request == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto result = call(*request);
  core.settle();
  return result;
}

}  // namespace

Session::Session(Draft draft, SessionConfig config) : core_(std::make_unique<SessionCore>(draft, std::move(config))) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

// ---- advance ----

void Session::start(Time now) {
  if (core_->state != State::kIdle) return;
  core_->state = State::kSettingUp;
  core_->deadlines.arm({DeadlineKey::Kind::kSetup}, core_->config().timeouts.setup);
  core_->deadlines.settle(now);
  const SessionConfig& config = core_->config();
  const bool at_once = core_->path->sets_up_at_once() && !config.asks_authorization;
  if (config.perspective == Perspective::kClient || at_once) core_->send_setup();
  core_->settle();
}

void Session::on_control_data(Time now, base::Bytes bytes) {
  if (core_->closed()) return;
  core_->path->on_control_data(bytes);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_control_closed(Time now) {
  core_->path->on_control_closed();
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_uni_stream_data(Time now, IncomingStreamId stream, base::SharedBytes bytes, bool fin) {
  if (core_->closed()) return;
  core_->incoming_data.on_data(now, stream, std::move(bytes), fin);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_uni_stream_reset(Time now, IncomingStreamId stream, std::uint64_t code) {
  if (core_->closed()) return;
  core_->incoming_data.on_reset(stream, code);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_bidi_stream_opened(Time) {
  core_->path->on_bidi_stream_opened();
  core_->settle();
}

void Session::on_request_data(Time now, RequestStreamId stream, base::Bytes bytes, bool fin) {
  if (core_->closed()) return;
  core_->path->on_request_data(stream, bytes, fin);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_request_reset(Time now, RequestStreamId stream, std::uint64_t code) {
  if (core_->closed()) return;
  core_->path->on_request_reset(stream, code);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_request_stopped(Time now, RequestStreamId stream, std::uint64_t code) {
  if (core_->closed()) return;
  core_->path->on_request_stopped(stream, code);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_request_closed(RequestStreamId stream) { core_->path->on_request_closed(stream); }

void Session::on_request_streams_admitted(std::uint64_t count) {
  if (core_->closed()) return;
  core_->path->on_request_streams_admitted(count);
  core_->settle();
}

void Session::on_stop_sending(Time, StreamHandle stream, std::uint64_t code) {  // [d15 §10.4.3-6]
  if (core_->closed()) return;
  const RequestHandle subscription = core_->outgoing_data.reset(
      stream, static_cast<std::uint64_t>(StreamResetCode::kCancelled), UnsentCause::kStopSending);
  if (subscription) core_->on_stop_sending(subscription, stream, code);
  core_->settle();
}

void Session::on_datagram(Time now, const base::SharedBytes& bytes) {
  if (core_->closed()) return;
  core_->incoming_data.on_datagram(now, bytes);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_stream_bytes_sent(StreamHandle stream, std::size_t bytes) {
  core_->outgoing_data.on_sent(stream, bytes);
  core_->settle();
}

void Session::on_datagram_sent(std::size_t bytes) { core_->outgoing_data.on_datagram_sent(bytes); }

void Session::on_transport_report(const TransportReport& report) { core_->outgoing_data.on_report(report); }

void Session::on_datagram_max_size(std::size_t bytes) { core_->outgoing_data.set_max_datagram_size(bytes); }

void Session::on_deadline(Time now) {
  core_->deadlines.settle(now);
  while (!core_->closed()) {
    const auto expired = core_->deadlines.take_expired(now);
    if (!expired) break;
    switch (expired->kind) {
      // [d15 §9.3-3]
      case DeadlineKey::Kind::kSetup: core_->close(SessionErrorCode::kControlMessageTimeout, "no SETUP"); break;
      case DeadlineKey::Kind::kControlClosed: core_->on_control_deadline(); break;
      case DeadlineKey::Kind::kGoaway:
        core_->close(SessionErrorCode::kGoawayTimeout, "still here after GOAWAY (section 3.5)");  // [d15 §3.5-1]
        break;
      case DeadlineKey::Kind::kRequest:
        if (Request* request = core_->requests.find({expired->subject})) request->on_deadline();
        break;
      case DeadlineKey::Kind::kStreamSweep: core_->incoming_data.sweep(now); break;
      case DeadlineKey::Kind::kAuthorization: core_->on_authorization_deadline({expired->subject}); break;
      case DeadlineKey::Kind::kMigration:
        if (Request* request = core_->requests.find({expired->subject})) core_->path->end_migrated(*request);
        break;
      case DeadlineKey::Kind::kExpiry:
        if (Request* request = core_->requests.find({expired->subject})) request->on_expiry();
        break;
    }
    core_->deadlines.settle(now);
  }
  core_->outgoing_data.expire(now, core_->event_queue);
  core_->settle();
}

void Session::on_transport_closed(Time, std::uint64_t code, std::string reason, bool by_peer) {
  core_->on_transport_closed(code, std::move(reason), by_peer);
  core_->settle();
}

void Session::set_send_window(std::size_t bytes) { core_->outgoing_data.set_window(bytes); }

// ---- drain ----

bool Session::poll_action(Time now, Action& action) {
  core_->deadlines.settle(now);
  core_->outgoing_data.tell_time(now);
  core_->outgoing_data.expire(now, core_->event_queue);
  core_->settle();
  // [d15 §9.15-1]: a PUBLISH_DONE that waits here comes behind the resets of its streams.
  if (!core_->closed() && core_->outgoing_data.next_reset(action)) return true;
  if (core_->action_queue.empty() && !core_->closed() && core_->outgoing_data.next_action(now, action)) {
    core_->settle();  // that may have been the last byte before a PUBLISH_DONE
    return true;
  }
  if (core_->action_queue.empty()) return false;
  action = core_->action_queue.pop();
  return true;
}

bool Session::poll_event(Event& event) {
  if (core_->event_queue.empty()) return false;
  core_->event_queue.pop_into(event);
  return true;
}

// ---- observe ----

std::optional<Time> Session::next_deadline() const { return core_->next_deadline(); }
bool Session::waits_for_transport() const noexcept { return core_->outgoing_data.waits(); }
Session::State Session::state() const noexcept { return core_->state; }
const SessionConfig& Session::config() const noexcept { return core_->config(); }
Draft Session::draft() const noexcept { return core_->draft; }
const SetupParameters* Session::peer_setup() const noexcept {
  return core_->peer_setup ? &*core_->peer_setup : nullptr;
}
std::optional<Time> Session::expiry(RequestHandle subscription) const {
  const Request* request = core_->requests.find(subscription);
  const auto due = core_->deadlines.due({DeadlineKey::Kind::kExpiry, subscription.value});
  if (request == nullptr || !due) return std::nullopt;
  return *due + request->after_expiry();
}
bool Session::awaits_authorization(RequestHandle request) const noexcept {
  return request ? core_->gate.asked(request) : core_->awaits_admission && !core_->closed();
}
bool Session::is_ours(RequestHandle request) const noexcept {
  const Request* const found = core_->requests.find(request);
  return found != nullptr && found->ours();
}
bool Session::going_away() const noexcept { return core_->goaway_received; }
std::string_view Session::new_session_uri() const noexcept { return core_->goaway_uri; }
bool Session::may_ask_for_every_namespace() const noexcept {
  return core_->requests.rules.empty_prefixes || core_->config().tolerances.empty_namespace_prefix;
}
std::size_t Session::max_datagram_size() const noexcept { return core_->outgoing_data.max_datagram_size(); }
bool Session::has_unsent() const noexcept {
  return !core_->closed() && (!core_->action_queue.empty() || core_->outgoing_data.has_work());
}
bool Session::waits_for_credit(RequestHandle request) const noexcept {
  const Request* found = core_->requests.find(request);
  return found != nullptr && found->ours() && !found->reference();
}
std::size_t Session::open_requests() const noexcept { return core_->requests.size(); }

// ---- answer, end ----

SessionResult<void> Session::accept(RequestHandle request, MessageParameters parameters) {
  if (core_->gate.holds(request)) return base::Failure{SessionError::kWrongState};
  return with_request(*core_, request, [&](Request& found) { return found.accept(std::move(parameters)); });
}

SessionResult<void> Session::accept_fetch(RequestHandle request, const FetchAnswer& answer,
                                          MessageParameters parameters) {
  if (core_->gate.holds(request)) return base::Failure{SessionError::kWrongState};
  return with_request(*core_, request,
                      [&](Request& found) { return found.accept_fetch(answer, std::move(parameters)); });
}

SessionResult<FetchRange> Session::resolve_fetch(RequestHandle request, Location largest) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  if (core_->gate.holds(request)) return base::Failure{SessionError::kWrongState};
  auto* const fetch = as<FetchAsPublisher>(core_->requests.find(request));
  if (fetch == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto resolved = fetch->resolve(largest);
  core_->settle();
  return resolved;
}

SessionResult<void> Session::reject(RequestHandle request, RequestErrorCode code, std::string_view reason) {
  if (core_->gate.holds(request)) {
    core_->refuse_unauthorized(*core_->requests.find(request), code, reason);
    core_->settle();
    return {};
  }
  return with_request(*core_, request, [&](Request& found) { return found.reject(code, reason); });
}

SessionResult<void> Session::authorize(RequestHandle request, std::optional<std::uint64_t> expires_ms) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  if (!core_->gate.asked(request)) return base::Failure{SessionError::kUnknownRequest};
  core_->authorize(*core_->requests.find(request), expires_ms);
  core_->settle();
  return {};
}

SessionResult<void> Session::authorize_session() {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  if (!core_->awaits_admission) return base::Failure{SessionError::kWrongState};
  core_->admit_client();
  core_->path->resume();
  core_->settle();
  return {};
}

// ---- tokens ----

void Session::register_token(const AuthorizationToken& token) { core_->outgoing_tokens.keep(token); }
void Session::retire_token(const AuthorizationToken& token) { core_->outgoing_tokens.retire(token); }
void Session::expire_token(const AuthorizationToken& token) { core_->token_cache.expire(token); }

SessionResult<void> Session::cancel(RequestHandle request) {
  return with_request(*core_, request, [](Request& found) { return found.cancel(); });
}

SessionResult<void> Session::publish_done(RequestHandle subscription, PublishDoneCode code, std::string_view reason) {
  return with_request(*core_, subscription, [&](Request& found) { return found.publish_done(code, reason); });
}

SessionResult<void> Session::notify_state(RequestHandle subscription, MessageParameters changes) {
  return with_request(*core_, subscription, [&](Request& found) { return found.notify_state(std::move(changes)); });
}

SessionResult<void> Session::cancel_namespace(RequestHandle request, RequestErrorCode code, std::string_view reason) {
  return with_request(*core_, request, [&](Request& found) { return found.revoke(code, reason); });
}

SessionResult<StreamHandle> Session::open_fetch(RequestHandle fetch) {
  return with_request(*core_, fetch, [](Request& found) { return found.open_fetch(); });
}

SessionResult<void> Session::goaway(std::string_view new_session_uri) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  if (core_->state != State::kEstablished || core_->goaway_sent) return base::Failure{SessionError::kWrongState};
  if (core_->config().perspective == Perspective::kClient && !new_session_uri.empty()) {
    return base::Failure{SessionError::kWrongRole};
  }
  if (auto sent = core_->path->send(wire::Goaway{.new_session_uri = std::string(new_session_uri)}); !sent.ok()) {
    return sent;
  }
  core_->goaway_sent = true;
  core_->deadlines.arm({DeadlineKey::Kind::kGoaway}, core_->config().timeouts.goaway);
  return {};
}

SessionResult<void> Session::goaway(RequestHandle request, std::string_view new_session_uri) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  const Request* const found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (core_->config().perspective == Perspective::kClient && !new_session_uri.empty()) {
    return base::Failure{SessionError::kWrongRole};
  }
  if (auto sent = core_->path->send_goaway(*found, new_session_uri); !sent.ok()) return sent;
  core_->deadlines.arm({DeadlineKey::Kind::kMigration, request.value}, core_->config().timeouts.goaway);
  return {};
}

void Session::close(SessionErrorCode code, std::string_view reason) {
  core_->close(code, reason);
  core_->settle();
}

}  // namespace msquic_py::moqt::session
