#include "moqt/session/control_router.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "moqt/session/authorization.h"
#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/namespace_subscription.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/requests/track_status.h"

namespace msquic_py::moqt::session {

void ControlRouter::route(const wire::ControlMessage& message) {
  const bool setup =
      std::holds_alternative<wire::ClientSetup>(message) || std::holds_alternative<wire::ServerSetup>(message);
  // [d15 §9.3-2]
  if (!setup && core_.state != SessionState::kEstablished) return violate("a message before SETUP (section 9.3)");
  std::visit([this](const auto& alternative) { on(alternative); }, message);
}

// ---- session ----

void ControlRouter::on(const wire::ClientSetup& message) {
  const SessionConfig& config = core_.config();
  if (config.perspective != Perspective::kServer || core_.state != SessionState::kSettingUp) {
    return violate("CLIENT_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_client_setup(message, config.transport)) {
    return core_.close(violation->code, violation->what);
  }
  if (const auto fault = check_distinct_tokens(message.parameters.authorization_tokens())) {  // [d15 §9.3.1.5-1]
    return core_.close(fault->code, fault->reason);
  }
  core_.send_setup();
  if (!core_.closed()) core_.establish(message.parameters);
}

void ControlRouter::on(const wire::ServerSetup& message) {
  if (core_.config().perspective != Perspective::kClient || core_.state != SessionState::kSettingUp) {
    return violate("SERVER_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_server_setup(message)) return core_.close(violation->code, violation->what);
  if (const auto fault = check_tokens(message.parameters.authorization_tokens()))
    return core_.close(fault->code, fault->reason);
  core_.establish(message.parameters);
}

void ControlRouter::on(const wire::Goaway& message) {
  if (core_.goaway_received) return violate("a second GOAWAY (section 9.4)");  // [d15 §9.4-2]
  if (const auto violation = wire::validate_goaway(message, core_.config().perspective)) {
    return core_.close(violation->code, violation->what);
  }
  core_.goaway_received = true;
  core_.emit(GoawayReceived{message.new_session_uri});
}

void ControlRouter::on(const wire::MaxRequestId& message) {
  if (!core_.ids.raise_peer_limit(message.max_request_id)) return violate("MAX_REQUEST_ID does not rise (section 9.5)");
  core_.flush_waiting();
}

// Credit is replenished as requests end, asked or not [d15 §9.6].
void ControlRouter::on(const wire::RequestsBlocked&) {}

// ---- requests of the peer ----

bool ControlRouter::admit(std::uint64_t request_id, const MessageParameters& parameters) {
  if (!core_.receive_request(request_id)) return false;
  if (const auto fault = check_tokens(parameters.authorization_tokens())) {
    core_.close(fault->code, fault->reason);
    return false;
  }
  return true;
}

void ControlRouter::refuse(std::uint64_t request_id, RequestErrorCode code, std::string_view reason) {
  (void)core_.send(wire::RequestError{request_id, code, std::string(reason)});
  core_.request_ended();
}

template <class T, class... Arguments>
T& ControlRouter::make(std::uint64_t request_id, Arguments&&... arguments) {
  const RequestHandle handle = core_.requests.next_handle();
  T& request =
      core_.requests.add(std::make_unique<T>(core_, handle, /*ours=*/false, std::forward<Arguments>(arguments)...));
  request.received(request_id);
  core_.requests.bind(request);
  return request;
}

void ControlRouter::on(const wire::Subscribe& message) {
  if (!admit(message.request_id, message.parameters)) return;
  const bool duplicate = core_.requests.find_first<SubscriptionAsPublisher>(
      RequestKind::kSubscriptionAsPublisher,
      [&](const SubscriptionAsPublisher& each) { return !each.ours() && each.view().track == message.track; });
  if (duplicate) return violate("a second SUBSCRIBE for a track (section 9.9)");  // [d15 §9.9-2]
  if (const auto filter = message.parameters.filter(); filter && !filter->valid()) {
    // [d15 §9.9-4]
    return refuse(message.request_id, RequestErrorCode::kInvalidRange, "the range ends before it starts");
  }
  const auto& request = make<SubscriptionAsPublisher>(message.request_id, message.track, 0, message.parameters);
  core_.emit(SubscribeReceived{request.handle(), message.track, message.parameters});
}

void ControlRouter::on(const wire::SubscribeUpdate& message) {
  if (!admit(message.request_id, message.parameters)) return;
  Request* named_request = find(message.subscription_request_id);
  if (named_request == nullptr && core_.done_subscriptions.contains(message.subscription_request_id)) {
    return refuse(message.request_id, RequestErrorCode::kDoesNotExist, "the subscription has ended");
  }
  if (named_request == nullptr || named_request->kind() != RequestKind::kSubscriptionAsPublisher) {
    return violate("SUBSCRIBE_UPDATE for what is no subscription (section 9.11)");  // [d15 §9.11-7]
  }
  auto& subscription = static_cast<SubscriptionAsPublisher&>(*named_request);
  if (!subscription.allows(message.parameters)) return violate("SUBSCRIBE_UPDATE with an earlier start (section 9.11)");
  MessageParameters parameters = message.parameters;
  parameters.remove(static_cast<std::uint64_t>(MessageParameter::kGroupOrder));  // not defined here [d15 §9.2.1.6]
  auto& update = make<SubscriptionUpdate>(message.request_id, subscription.handle(), parameters);
  subscription.add_pending_update(update.handle(), parameters);
  if (const auto filter = parameters.filter(); filter && !filter->valid()) {
    (void)update.reject(RequestErrorCode::kInvalidRange, "the range ends before it starts");
    // Nobody but the session knows that this has ended the subscription, so the application hears of it as of its end.
    return core_.emit(Unsubscribed{subscription.handle()});
  }
  core_.emit(UpdateReceived{update.handle(), subscription.handle(), std::move(parameters)});
}

void ControlRouter::on(const wire::Publish& message) {
  if (!admit(message.request_id, message.parameters)) return;
  auto& request = make<SubscriptionAsSubscriber>(message.request_id, message.track, message.parameters);
  request.on_publish(message.track_alias);
}

void ControlRouter::on(const wire::Fetch& message) {
  if (!admit(message.request_id, message.parameters)) return;
  if (core_.requests.count(RequestKind::kFetchAsPublisher, false) >= core_.config().limits.max_fetches) {
    return refuse(message.request_id, RequestErrorCode::kInternalError, "too many fetches");  // [d15 §12.1-2]
  }
  Request* joined = nullptr;
  if (const auto* joining = std::get_if<wire::JoiningFetch>(&message.range)) joined = find(joining->joining_request_id);
  const bool joinable = joined != nullptr && joined->kind() == RequestKind::kSubscriptionAsPublisher;
  make<FetchAsPublisher>(message.request_id, message)
      .receive(joinable ? static_cast<SubscriptionAsPublisher*>(joined) : nullptr);
}

void ControlRouter::on(const wire::TrackStatus& message) {
  if (!admit(message.request_id, message.parameters)) return;
  if (const auto filter = message.parameters.filter(); filter && !filter->valid()) {  // as for SUBSCRIBE [d15 §9.19]
    return refuse(message.request_id, RequestErrorCode::kInvalidRange, "the range ends before it starts");
  }
  const auto& request = make<TrackStatusRequest>(message.request_id, message.track, message.parameters);
  core_.emit(TrackStatusReceived{request.handle(), message.track, message.parameters});
}

void ControlRouter::on(const wire::PublishNamespace& message) {
  if (!admit(message.request_id, message.parameters)) return;
  const bool known = core_.requests.find_first<NamespacePublication>(
      RequestKind::kNamespacePublication, [&](const NamespacePublication& each) {
        return !each.ours() && each.track_namespace() == message.track_namespace;
      });
  if (known) {
    // The draft does not say what a second announcement means; it changes nothing here.
    (void)core_.send(wire::RequestOk{message.request_id, {}});
    return core_.request_ended();
  }
  if (core_.requests.count(RequestKind::kNamespacePublication, false) >=
      core_.config().limits.max_published_namespaces) {
    return refuse(message.request_id, RequestErrorCode::kInternalError, "too many namespaces");  // [d15 §12.1-2]
  }
  const auto& request = make<NamespacePublication>(message.request_id, message.track_namespace, message.parameters);
  core_.emit(NamespacePublished{request.handle(), message.track_namespace, message.parameters});
}

void ControlRouter::on(const wire::SubscribeNamespace& message) {
  if (!admit(message.request_id, message.parameters)) return;
  const bool overlap = core_.requests.find_first<NamespaceSubscription>(
      RequestKind::kNamespaceSubscription,
      [&](const NamespaceSubscription& each) { return !each.ours() && each.overlaps(message.track_namespace_prefix); });
  if (overlap) {
    // [d15 §9.23-2]
    return refuse(message.request_id, RequestErrorCode::kPrefixOverlap,
                  "overlaps another namespace subscription of this session");
  }
  if (core_.requests.count(RequestKind::kNamespaceSubscription, false) >=
      core_.config().limits.max_namespace_subscriptions) {
    return refuse(message.request_id, RequestErrorCode::kInternalError, "too many namespace subscriptions");
  }
  const auto& request =
      make<NamespaceSubscription>(message.request_id, message.track_namespace_prefix, message.parameters);
  core_.emit(NamespaceSubscribed{request.handle(), message.track_namespace_prefix, message.parameters});
}

// ---- answers ----

Request* ControlRouter::answered(std::uint64_t request_id) {
  Request* request = core_.requests.find_ours(request_id);
  // [d15 §5.1-3, §5.1.1-4]
  if (request == nullptr && core_.late_responses.erase(request_id) == 0)
    violate("an answer to no request (section 9.7)");
  return request;
}

void ControlRouter::on(const wire::RequestOk& message) {
  if (Request* request = answered(message.request_id)) request->on_request_ok(message);
}

void ControlRouter::on(const wire::RequestError& message) {
  if (Request* request = answered(message.request_id)) request->on_request_error(message);
}

void ControlRouter::on(const wire::SubscribeOk& message) {
  if (Request* request = answered(message.request_id)) {
    request->on_subscribe_ok(message);
  } else {
    core_.incoming_data.retire_alias(message.track_alias);  // of a subscription that was cancelled meanwhile
  }
}

void ControlRouter::on(const wire::PublishOk& message) {
  if (Request* request = answered(message.request_id)) request->on_publish_ok(message);
}

void ControlRouter::on(const wire::FetchOk& message) {
  if (Request* request = answered(message.request_id)) request->on_fetch_ok(message);
}

// ---- about requests of either endpoint ----

Request* ControlRouter::find(std::uint64_t request_id) {
  Request* ours = core_.requests.find_ours(request_id);
  return ours != nullptr ? ours : core_.requests.find_peers(request_id);
}

Request* ControlRouter::named(std::uint64_t request_id, std::string_view message) {  // [d15 §9.12-1]
  Request* request = find(request_id);
  if (request == nullptr && !core_.ids.issued(request_id) && !core_.ids.received(request_id)) {
    violate(std::string(message) + " for a request that never was");
  }
  return request;
}

void ControlRouter::on(const wire::PublishDone& message) {
  if (Request* request = named(message.request_id, "PUBLISH_DONE")) request->on_publish_done(message);
}

void ControlRouter::on(const wire::Unsubscribe& message) {
  if (Request* request = named(message.request_id, "UNSUBSCRIBE")) request->on_unsubscribe();
}

void ControlRouter::on(const wire::UnsubscribeNamespace& message) {
  if (Request* request = named(message.request_id, "UNSUBSCRIBE_NAMESPACE")) request->on_unsubscribe_namespace();
}

void ControlRouter::on(const wire::PublishNamespaceDone& message) {
  auto* request = core_.requests.find_first<NamespacePublication>(
      RequestKind::kNamespacePublication, [&](const NamespacePublication& each) {
        return !each.ours() && each.track_namespace() == message.track_namespace;
      });
  // [d15 §6.2-5]
  if (request != nullptr) request->on_done();  // otherwise it was cancelled meanwhile
}

void ControlRouter::on(const wire::PublishNamespaceCancel& message) {
  auto* request = core_.requests.find_first<NamespacePublication>(
      RequestKind::kNamespacePublication, [&](const NamespacePublication& each) {
        return each.ours() && each.id() && each.track_namespace() == message.track_namespace;
      });
  // [d15 §6.2-5]
  if (request != nullptr) request->on_cancel(message);  // otherwise it was withdrawn meanwhile
}

void ControlRouter::on(const wire::FetchCancel& message) {
  if (Request* request = named(message.request_id, "FETCH_CANCEL")) request->on_fetch_cancel();
}

}  // namespace msquic_py::moqt::session
