#include "moqt/session/session.h"

#include <utility>

#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/requests/fetch_as_subscriber.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/namespace_subscription.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/requests/track_status.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

/// Whether a new request may be begun at all.
std::optional<SessionError> refusal(const SessionCore& core) noexcept {
  if (core.closed()) return SessionError::kClosed;
  if (core.goaway_received) return SessionError::kGoingAway;  // [d15 §9.4-1]
  return std::nullopt;
}

template <class T, class... Arguments>
SessionResult<RequestHandle> begin(SessionCore& core, Patience patience, Arguments&&... arguments) {
  const RequestHandle handle = core.requests.next_handle();
  T& request =
      core.requests.add(std::make_unique<T>(core, handle, /*ours=*/true, std::forward<Arguments>(arguments)...));
  request.set_patience(patience);
  auto begun = core.begin(request);
  core.settle();
  return begun;
}

bool range_reversed(const MessageParameters& parameters) noexcept {  // [d15 §5.1.2-1]
  const auto filter = parameters.filter();
  return filter && !filter->valid();
}

}  // namespace

Session::Session(SessionConfig config) : core_(std::make_unique<SessionCore>(std::move(config))) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

// ---- advance ----

void Session::start(Time now) {
  if (core_->state != State::kIdle) return;
  core_->state = State::kSettingUp;
  core_->deadlines.arm({DeadlineKey::Kind::kSetup}, core_->config().timeouts.setup);
  core_->deadlines.settle(now);
  if (core_->config().perspective == Perspective::kClient) core_->send_setup();
  core_->settle();
}

void Session::on_control_data(Time now, base::Bytes bytes) {
  if (core_->closed()) return;
  core_->path->on_control_data(bytes);
  core_->settle();
  core_->deadlines.settle(now);
}

void Session::on_control_closed(Time) {
  core_->path->on_control_closed();
  core_->settle();
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

void Session::on_stop_sending(Time, StreamHandle stream, std::uint64_t code) {  // [d15 §10.4.3-6]
  if (core_->closed()) return;
  const RequestHandle subscription =
      core_->outgoing_data.reset(stream, static_cast<std::uint64_t>(StreamResetCode::kCancelled));
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
      case DeadlineKey::Kind::kGoaway:
        core_->close(SessionErrorCode::kGoawayTimeout, "still here after GOAWAY (section 3.5)");  // [d15 §3.5-1]
        break;
      case DeadlineKey::Kind::kRequest:
        if (Request* request = core_->requests.find({expired->subject})) request->on_deadline();
        break;
      case DeadlineKey::Kind::kStreamSweep: core_->incoming_data.sweep(now); break;
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
  event = core_->event_queue.pop();
  return true;
}

// ---- observe ----

std::optional<Time> Session::next_deadline() const { return core_->next_deadline(); }
bool Session::waits_for_transport() const noexcept { return core_->outgoing_data.waits(); }
Session::State Session::state() const noexcept { return core_->state; }
const SessionConfig& Session::config() const noexcept { return core_->config(); }
const SetupParameters* Session::peer_setup() const noexcept {
  return core_->peer_setup ? &*core_->peer_setup : nullptr;
}
bool Session::going_away() const noexcept { return core_->goaway_received; }
std::size_t Session::max_datagram_size() const noexcept { return core_->outgoing_data.max_datagram_size(); }
bool Session::has_unsent() const noexcept {
  return !core_->closed() && (!core_->action_queue.empty() || core_->outgoing_data.has_work());
}
std::size_t Session::open_requests() const noexcept { return core_->requests.size(); }

// ---- begin ----

SessionResult<RequestHandle> Session::subscribe(FullTrackName track, MessageParameters parameters, Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  if (range_reversed(parameters)) return base::Failure{SessionError::kInvalidParameter};
  // [d15 §9.9-1]
  const bool duplicate = core_->requests.find_first<SubscriptionAsSubscriber>(
      RequestKind::kSubscriptionAsSubscriber,
      [&](const SubscriptionAsSubscriber& each) { return each.ours() && !each.draining() && each.track() == track; });
  if (duplicate) return base::Failure{SessionError::kDuplicate};
  return begin<SubscriptionAsSubscriber>(*core_, patience, std::move(track), std::move(parameters));
}

SessionResult<RequestHandle> Session::publish(FullTrackName track, MessageParameters parameters, Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  // [d15 §9.13-1]
  return begin<SubscriptionAsPublisher>(*core_, patience, std::move(track), core_->next_track_alias(),
                                        std::move(parameters));
}

SessionResult<RequestHandle> Session::publish_namespace(TrackNamespace track_namespace, MessageParameters parameters,
                                                        Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!track_namespace.valid()) return base::Failure{SessionError::kInvalidName};
  const bool duplicate = core_->requests.find_first<NamespacePublication>(
      RequestKind::kNamespacePublication,
      [&](const NamespacePublication& each) { return each.ours() && each.track_namespace() == track_namespace; });
  if (duplicate) return base::Failure{SessionError::kDuplicate};
  return begin<NamespacePublication>(*core_, patience, std::move(track_namespace), std::move(parameters));
}

SessionResult<RequestHandle> Session::subscribe_namespace(TrackNamespace prefix, MessageParameters parameters,
                                                          Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!prefix.valid()) return base::Failure{SessionError::kInvalidName};
  const bool overlap = core_->requests.find_first<NamespaceSubscription>(
      RequestKind::kNamespaceSubscription,
      [&](const NamespaceSubscription& each) { return each.ours() && each.overlaps(prefix); });
  if (overlap) return base::Failure{SessionError::kPrefixOverlap};
  return begin<NamespaceSubscription>(*core_, patience, std::move(prefix), std::move(parameters));
}

SessionResult<RequestHandle> Session::track_status(FullTrackName track, MessageParameters parameters,
                                                   Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  if (range_reversed(parameters)) return base::Failure{SessionError::kInvalidParameter};
  return begin<TrackStatusRequest>(*core_, patience, std::move(track), std::move(parameters));
}

SessionResult<RequestHandle> Session::update(RequestHandle subscription, MessageParameters parameters,
                                             Patience patience) {
  // An update belongs to a subscription that lives on after GOAWAY [d15 §3.5-2].
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* request = core_->requests.find(subscription);
  if (request == nullptr) return base::Failure{SessionError::kUnknownRequest};
  // [d15 §9.11-6]
  if (request->kind() != RequestKind::kSubscriptionAsSubscriber) return base::Failure{SessionError::kWrongRole};
  if (!static_cast<SubscriptionAsSubscriber*>(request)->established()) return base::Failure{SessionError::kWrongState};
  if (range_reversed(parameters)) return base::Failure{SessionError::kInvalidParameter};  // [d15 §9.11-5]
  return begin<SubscriptionUpdate>(*core_, patience, subscription, std::move(parameters));
}

SessionResult<RequestHandle> Session::fetch(FullTrackName track, Location start, Location end,
                                            MessageParameters parameters, Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  if (!track.valid()) return base::Failure{SessionError::kInvalidName};
  const FetchRange range{start, end};
  if (!range.valid()) return base::Failure{SessionError::kEmptyRange};  // [d15 §9.16.3-2]
  return begin<FetchAsSubscriber>(*core_, patience, std::move(track), range, std::move(parameters));
}

SessionResult<RequestHandle> Session::join(RequestHandle subscription, JoiningStart start, MessageParameters parameters,
                                           Patience patience) {
  if (const auto error = refusal(*core_)) return base::Failure{*error};
  const Request* request = core_->requests.find(subscription);
  if (request == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (request->kind() != RequestKind::kSubscriptionAsSubscriber) return base::Failure{SessionError::kWrongRole};
  const auto& joined = static_cast<const SubscriptionAsSubscriber&>(*request);
  if (joined.draining() || !(joined.ours() || joined.answered())) return base::Failure{SessionError::kWrongState};
  if (!joined.starts_at_largest()) return base::Failure{SessionError::kNotJoinable};
  return begin<FetchAsSubscriber>(*core_, patience, joined.track(), subscription, start, std::move(parameters));
}

// ---- answer, end ----

SessionResult<void> Session::accept(RequestHandle request, MessageParameters parameters) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto result = found->accept(std::move(parameters));
  core_->settle();
  return result;
}

SessionResult<void> Session::accept_fetch(RequestHandle request, const FetchAnswer& answer,
                                          MessageParameters parameters) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (found->kind() != RequestKind::kFetchAsPublisher) return base::Failure{SessionError::kWrongRole};
  auto result = static_cast<FetchAsPublisher*>(found)->accept(answer, std::move(parameters));
  core_->settle();
  return result;
}

SessionResult<void> Session::reject(RequestHandle request, RequestErrorCode code, std::string_view reason) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto result = found->reject(code, reason);
  core_->settle();
  return result;
}

SessionResult<void> Session::cancel(RequestHandle request) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto result = found->cancel();
  core_->settle();
  return result;
}

SessionResult<void> Session::publish_done(RequestHandle subscription, PublishDoneCode code, std::string_view reason) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(subscription);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (found->kind() != RequestKind::kSubscriptionAsPublisher) return base::Failure{SessionError::kWrongRole};
  auto result = static_cast<SubscriptionAsPublisher*>(found)->publish_done(code, reason);
  core_->settle();
  return result;
}

SessionResult<void> Session::cancel_namespace(RequestHandle request, RequestErrorCode code, std::string_view reason) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* found = core_->requests.find(request);
  if (found == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (found->kind() != RequestKind::kNamespacePublication) return base::Failure{SessionError::kWrongRole};
  auto result = static_cast<NamespacePublication*>(found)->revoke(code, reason);
  core_->settle();
  return result;
}

SessionResult<void> Session::goaway(std::string_view new_session_uri) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  if (core_->state != State::kEstablished || core_->goaway_sent) return base::Failure{SessionError::kWrongState};
  if (core_->config().perspective == Perspective::kClient && !new_session_uri.empty()) {
    return base::Failure{SessionError::kWrongRole};
  }
  if (auto sent = core_->path->send(wire::Goaway{std::string(new_session_uri)}); !sent.ok()) return sent;
  core_->goaway_sent = true;
  core_->deadlines.arm({DeadlineKey::Kind::kGoaway}, core_->config().timeouts.goaway);
  return {};
}

void Session::close(SessionErrorCode code, std::string_view reason) {
  core_->close(code, reason);
  core_->settle();
}

}  // namespace msquic_py::moqt::session
