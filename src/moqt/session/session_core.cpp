#include "moqt/session/session_core.h"

#include "moqt/session/request_path/shared_control_stream.h"
#include "moqt/session/request_path/stream_per_request.h"
#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/requests/fetch_as_subscriber.h"
#include "moqt/session/requests/namespace_announcement.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/wire/code_numbers.h"

namespace msquic_py::moqt::session {

std::string_view name(SessionState state) noexcept {
  switch (state) {
    case SessionState::kIdle: return "idle";
    case SessionState::kSettingUp: return "setting up";
    case SessionState::kEstablished: return "established";
    case SessionState::kClosed: return "closed";
  }
  return "unknown";
}

SessionCore::SessionCore(Draft negotiated, SessionConfig session_config)
    : draft(negotiated),
      token_cache(session_config.limits.max_auth_token_cache_bytes, session_config.account),
      outgoing_tokens(session_config.limits.max_registered_token_bytes, session_config.request_tokens,
                      session_config.publisher_tokens),
      outgoing_data(session_config, wire::codec_for(negotiated)),
      incoming_data(*this, config_, wire::codec_for(negotiated)),
      config_(std::move(session_config)),
      codec_(wire::codec_for(negotiated)) {
  requests.charge_to(config_.account);
  if (has_own_control_streams(negotiated)) {
    path = std::make_unique<StreamPerRequest>(*this);
  } else {
    path = std::make_unique<SharedControlStream>(*this);
  }
  requests.rules = rules_of(negotiated);
}

// ---- setup ----

void SessionCore::send_setup() {
  if (std::exchange(setup_sent, true)) return;
  SetupParameters parameters;
  // [d15 §9.3.1.1-1, §9.3.1.2-1]
  if (config_.perspective == Perspective::kClient && config_.transport == SessionTransport::kQuic) {
    if (!config_.path.empty()) parameters.set_path(config_.path);                 // [d15 §9.3.1.2-3]
    if (!config_.authority.empty()) parameters.set_authority(config_.authority);  // [d15 §9.3.1.1-3]
  }
  if (config_.limits.max_auth_token_cache_bytes > 0) {
    parameters.set_max_auth_token_cache_size(config_.limits.max_auth_token_cache_bytes);
  }
  if (requests.rules.range_filters && config_.limits.max_filter_ranges > 0) {
    parameters.set_max_filter_ranges(config_.limits.max_filter_ranges);
  }
  for (const AuthorizationToken& token : config_.authorization_tokens) outgoing_tokens.add_to_setup(token, parameters);
  if (!config_.implementation.empty()) parameters.set_moqt_implementation(config_.implementation);
  if (!path->send_setup(std::move(parameters)).ok())
    close(SessionErrorCode::kInternalError, "the configured path, authority or token cannot be sent");
}

void SessionCore::establish(SetupParameters peer) {
  deadlines.disarm({DeadlineKey::Kind::kSetup});
  peer_setup = peer;
  requests.peer_filter_ranges = requests.rules.range_filters ? peer.max_filter_ranges() : 0;
  state = SessionState::kEstablished;
  emit(Established{std::move(peer)});
  path->establish(*peer_setup);
}

// ---- sending and reporting ----

void SessionCore::emit(Event&& event) {
  if (closed()) return;
  if (event_queue.size() >= config_.limits.max_queued_events) {
    return close(SessionErrorCode::kInternalError, "the application does not take its events");
  }
  if (!gate.empty() && is_unknown_to_application(event)) return;
  event_queue.push(std::move(event));
}

void SessionCore::close(std::uint64_t code, std::string_view reason) {  // [d15 §3.4-1]
  if (closed()) return;
  // A transport takes only so much: QUIC's reason phrase has to fit into one packet.
  constexpr std::size_t kLongestCloseReason = 512;
  if (reason.empty()) reason = name(static_cast<SessionErrorCode>(code));
  const std::string text = cut_reason(reason, kLongestCloseReason);
  // Whatever the peer has done since: a PUBLISH_DONE that it has sent holds, and waits for nothing any more.
  requests.for_each<SubscriptionAsSubscriber>([this](const SubscriptionAsSubscriber& each) {
    if (each.waits_for_streams()) event_queue.push(each.over());
  });
  action_queue.push(CloseSession{code, text});
  event_queue.push(Closed{code, text, false});
  state = SessionState::kClosed;
}

void SessionCore::on_transport_closed(std::uint64_t code, std::string reason, bool by_peer) {
  // A publisher may have gone right behind its PUBLISH_DONE. What it said holds, whatever was still on its way.
  while (!closed()) {
    auto* over = requests.find_first<SubscriptionAsSubscriber>(
        [](const SubscriptionAsSubscriber& each) { return each.waits_for_streams(); });
    if (over == nullptr) break;
    over->stop_waiting();
  }
  action_queue.clear();
  if (closed()) return;
  event_queue.push(Closed{code, std::move(reason), by_peer});
  state = SessionState::kClosed;
}

void SessionCore::stop_sending(IncomingStreamId stream, StreamResetCode code) {
  if (!closed()) action_queue.push(StopSending{stream, wire::number_of(codec_.codes, code)});
}

// ---- deadlines ----

void SessionCore::arm(RequestHandle request, Duration delay) {
  deadlines.arm({DeadlineKey::Kind::kRequest, request.value}, delay);
}

void SessionCore::disarm(RequestHandle request) { deadlines.disarm({DeadlineKey::Kind::kRequest, request.value}); }

void SessionCore::expire_after(RequestHandle request, Duration time) {
  deadlines.arm({DeadlineKey::Kind::kExpiry, request.value}, time);
}

void SessionCore::sweep_streams_after(Duration delay) { deadlines.arm({DeadlineKey::Kind::kStreamSweep}, delay); }

std::optional<Time> SessionCore::next_deadline() const {
  auto soonest = deadlines.next();
  const auto consider = [&soonest](const std::optional<Time>& other) {
    if (other && (!soonest || *other < *soonest)) soonest = other;
  };
  consider(outgoing_data.next_expiry());
  consider(outgoing_data.next_look());
  return soonest;
}

// ---- requests ----

base::Result<RequestHandle, SessionError> SessionCore::begin(Request& request) {
  const RequestHandle handle = request.handle();
  if (const auto opened = path->open(request); !opened.ok()) {
    outgoing_data.remove_lane(handle);
    requests.end(handle);
    return base::Failure{opened.error()};
  }
  return handle;
}

void SessionCore::end(RequestHandle handle, const std::optional<Cancellation>& cancellation) {
  Request* request = requests.find(handle);
  if (request == nullptr) return;
  disarm(handle);
  expire_after(handle, Duration::zero());
  deadlines.disarm({DeadlineKey::Kind::kMigration, handle.value});
  forget_authorization(handle);
  request->on_end();
  path->end(*request, cancellation);
  requests.end(handle);
}

void SessionCore::on_stream_ended(RequestHandle subscription) {
  if (auto* request = as<SubscriptionAsSubscriber>(requests.find(subscription))) request->on_stream_ended();
}

void SessionCore::on_malformed(RequestHandle request, MalformedTrack reason) {  // [d15 §2.4.2-1]
  const Request* found = requests.find(request);
  if (found == nullptr || found->received_track() == nullptr) return;
  const FullTrackName track = *found->received_track();
  for (const RequestHandle each : requests.receiving(track)) {
    if (Request* receiving = requests.find(each)) receiving->on_malformed(reason);
  }
}

void SessionCore::on_fetch_stream(RequestHandle fetch) {
  if (auto* request = as<FetchAsSubscriber>(requests.find(fetch))) request->on_stream();
}

void SessionCore::on_fetch_stream_ended(RequestHandle fetch, bool finished, std::uint64_t code) {
  if (auto* request = as<FetchAsSubscriber>(requests.find(fetch))) request->on_stream_ended(finished, code);
}

void SessionCore::on_fetch_given_up(RequestHandle fetch, StreamResetCode code) {
  if (auto* request = as<FetchAsSubscriber>(requests.find(fetch))) request->give_up(code);
}

void SessionCore::pause_stream(IncomingStreamId stream, bool paused) {
  if (closed()) return;
  if (paused) {
    action_queue.push(PauseStream{stream});
  } else {
    action_queue.push(ResumeStream{stream});
  }
}

void SessionCore::on_control_stream(base::Bytes bytes, bool ended) {
  if (!bytes.empty()) path->on_peer_control_data(bytes);
  if (ended && !closed()) path->on_control_closed();
}

void SessionCore::on_control_lost(const char* violation) {
  if (closed() || control_lost_ != nullptr) return;
  control_lost_ = violation;
  const Duration patience = config_.timeouts.control_closed;
  if (state != SessionState::kEstablished || patience <= Duration::zero()) return on_control_deadline();
  deadlines.arm({DeadlineKey::Kind::kControlClosed}, patience);
}

void SessionCore::give_way(RequestHandle publish, const FullTrackName& track) {
  const auto* waiting = requests.find_first<SubscriptionAsSubscriber>([&](const SubscriptionAsSubscriber& each) {
    return each.ours() && !each.answered() && each.handle() != publish && each.track() == track;
  });
  if (waiting == nullptr) return;
  const RequestHandle handle = waiting->handle();
  emit(RequestRejected{handle, static_cast<std::uint64_t>(RequestErrorCode::kDuplicateSubscription),
                       "the peer's PUBLISH of the track has been accepted instead"});
  end(handle, Cancellation{});
}

base::Result<RequestHandle, SessionError> SessionCore::publish_namespace(TrackNamespace track_namespace,
                                                                         Patience patience) {
  return ask<NamespacePublication>(patience, std::move(track_namespace), MessageParameters{});
}

RequestHandle SessionCore::add_announcement(RequestHandle subscription, TrackNamespace track_namespace) {
  return requests
      .add(std::make_unique<NamespaceAnnouncement>(*this, requests.next_handle(), /*ours=*/true, subscription,
                                                   std::move(track_namespace)))
      .handle();
}

RequestHandle SessionCore::add_fill(RequestHandle subscription, std::uint64_t request_id, wire::Fetch fetch) {
  auto& fill = requests.add(
      std::make_unique<FetchAsPublisher>(*this, requests.next_handle(), subscription, request_id, std::move(fetch)));
  fill.begin_fill(requests.count(RequestKind::kFetchAsPublisher, /*ours=*/false) <= config_.limits.max_fetches);
  return fill.handle();
}

void SessionCore::update_quietly(RequestHandle subscription, MessageParameters parameters) {
  auto& update = requests.add(std::make_unique<SubscriptionUpdate>(*this, requests.next_handle(), /*ours=*/true,
                                                                   subscription, std::move(parameters)));
  update.be_quiet();
  (void)begin(update);
}

void SessionCore::on_stop_sending(RequestHandle request, StreamHandle stream, std::uint64_t code) {
  if (Request* found = requests.find(request)) found->on_stop_sending(stream, code);
}

void SessionCore::end_what_is_over() {
  while (const auto drained = outgoing_data.take_drained()) {
    if (Request* request = requests.find(*drained)) request->on_drained();
  }
  if (!closed()) path->on_requests_ended();
  if (closed()) {
    deadlines.clear();
    outgoing_data.clear();
    incoming_data.clear();
    requests.clear();
    path->clear();
    gate.clear();
  }
  requests.bury();
}

}  // namespace msquic_py::moqt::session
