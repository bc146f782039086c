// What waits for the application's word, and what becomes of it.
#include "base/one_of.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

/// The request whose end an event reports; null for every other event.
struct Ended {
  RequestHandle operator()(const Unsubscribed& event) const { return event.subscription; }
  RequestHandle operator()(const NamespaceDone& event) const { return event.request; }
  RequestHandle operator()(const NamespaceUnsubscribed& event) const { return event.request; }
  RequestHandle operator()(const FetchCancelled& event) const { return event.request; }
  /// What does not end a request, or one that the application has been told of: it has answered, or asked itself.
  template <class Other>
  requires base::OneOf<Other, std::monostate, ObjectReceived, ObjectPayload, SubgroupOpened, SubgroupEnded,
                       DatagramReceived, Established, Closed, GoawayReceived, SubscribeReceived, PublishReceived,
                       UpdateReceived, NamespacePublished, NamespaceSubscribed, TrackStatusReceived, RequestAccepted,
                       RequestRejected, SubscriptionDone, TrackMalformed, NamespaceCancelled, OutgoingStreamStopped,
                       RequestsPossible, FetchReceived, FetchAccepted, FetchObjectReceived, FetchEnded,
                       AuthorizationRequested, AuthorizationWithdrawn, SubscriptionExpiring, SubscriptionExpired,
                       NamespaceFound, NamespaceLost, NamespaceSubscriptionEnded, PublishSkipped, FetchGapReceived,
                       NamespaceUpdateReceived, SubscriptionChanged>
      RequestHandle operator()(const Other&) const {
    return {};
  }
};

DeadlineKey deadline_of(RequestHandle request) { return {DeadlineKey::Kind::kAuthorization, request.value}; }

}  // namespace

// ---- the session ----

void SessionCore::receive_client_setup(SetupParameters peer) {
  deadlines.disarm({DeadlineKey::Kind::kSetup});
  outgoing_tokens.set_peer_limit(peer.max_auth_token_cache_size());
  peer_setup = std::move(peer);
  if (!config_.asks_authorization) return admit_client();
  awaits_admission = true;
  deadlines.arm(deadline_of({}), config_.timeouts.authorization);
  emit(AuthorizationRequested{{}, Operation::kSetup, {}, peer_setup->authorization_tokens()});
}

void SessionCore::admit_client() {
  awaits_admission = false;
  deadlines.disarm(deadline_of({}));
  send_setup();  // unless it went out first
  if (!closed()) establish(*peer_setup);
}

// ---- requests ----

void SessionCore::announce(Request& request, RequestReported reported, RequestHandle behind) {
  const auto event = [&reported] {
    return std::visit([](auto& alternative) { return Event(std::move(alternative)); }, reported);
  };
  if (!config_.asks_authorization) return request.on_authorized(event());
  AuthorizationRequested question = question_of(reported);
  if (const auto* update = std::get_if<UpdateReceived>(&reported)) {
    const Request* const subscription = requests.find(update->subscription);
    question.track = static_cast<const SubscriptionAsPublisher*>(subscription)->view().track;
  }
  gate.hold(request.handle(), event(), std::move(question), behind);
  ask_authorization(request.handle());
}

void SessionCore::ask_authorization(RequestHandle request) {
  if (!gate.may_ask(request)) return;
  deadlines.arm(deadline_of(request), config_.timeouts.authorization);
  emit(gate.ask(request));
}

void SessionCore::authorize(Request& request, std::optional<std::uint64_t> expires_ms) {
  if (expires_ms) request.limit_time(*expires_ms);
  deadlines.disarm(deadline_of(request.handle()));
  auto opened = gate.take(request.handle());
  request.on_authorized(std::move(opened->event));
  for (const RequestHandle next : opened->next) ask_authorization(next);
}

void SessionCore::forget_authorization(RequestHandle request) {
  if (!gate.holds(request)) return;
  const bool asked = gate.asked(request);
  deadlines.disarm(deadline_of(request));
  const auto opened = gate.take(request);
  if (asked) emit(AuthorizationWithdrawn{request});
  for (const RequestHandle next : opened->next) ask_authorization(next);
}

void SessionCore::refuse_unauthorized(Request& request, RequestErrorCode code, std::string_view reason) {
  const RequestHandle handle = request.handle();  // [d15 §9.2.1.1-7]
  const auto tokens = gate.tokens(handle);
  deadlines.disarm(deadline_of(handle));
  (void)gate.take(handle);
  // Of several tokens nobody has said which one it is.
  if (code == RequestErrorCode::kExpiredAuthToken && tokens.size() == 1) token_cache.expire(tokens.front());
  const bool update = request.kind() == RequestKind::kSubscriptionUpdate;
  const RequestHandle subscription = update ? static_cast<const SubscriptionUpdate&>(request).subscription() : handle;
  if (!request.reject(code, reason).ok() || !update) return;
  // Whoever serves the subscription has not heard of the update that has ended it.
  emit(Unsubscribed{subscription});
}

void SessionCore::on_authorization_deadline(RequestHandle handle) {
  if (!handle) return close(SessionErrorCode::kInternalError, "the session was not authorized in time");
  Request* const request = requests.find(handle);
  if (request == nullptr || !gate.holds(handle)) return;
  emit(AuthorizationWithdrawn{handle});
  refuse_unauthorized(*request, RequestErrorCode::kTimeout, "not authorized in time");
}

bool SessionCore::is_unknown_to_application(const Event& event) const {
  const RequestHandle ended = std::visit(Ended{}, event);
  return ended && gate.holds(ended);
}

}  // namespace msquic_py::moqt::session
