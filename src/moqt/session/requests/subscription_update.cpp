#include "moqt/session/requests/subscription_update.h"

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> SubscriptionUpdate::refusal(const RequestTable& requests, RequestHandle subscription,
                                                        const MessageParameters& parameters) {
  const Request* named = requests.find(subscription);
  if (named == nullptr) return SessionError::kUnknownRequest;
  const auto* updated = as<SubscriptionAsSubscriber>(named);
  if (updated == nullptr) return SessionError::kWrongRole;  // [d15 §9.11-6]
  if (!updated->established()) return SessionError::kWrongState;
  if (!updated->may_ask(parameters)) return SessionError::kNoDynamicGroups;  // [d15 §9.2.1.12-1]
  if (range_reversed(parameters)) return SessionError::kInvalidParameter;    // [d15 §9.11-5]
  if (too_many_ranges(parameters, requests)) return SessionError::kInvalidParameter;
  if (updated->begins_earlier(parameters.filter())) return SessionError::kInvalidParameter;  // [d15 §9.11-1]
  return std::nullopt;
}

void SubscriptionUpdate::admit(const Arrival& arrival, const wire::RequestUpdate& message) {
  if (range_reversed(message.parameters)) {
    return refuse(arrival, message, RequestErrorCode::kInvalidRange, "the range ends before it starts");
  }
  if (const auto* updated = as<SubscriptionAsPublisher>(arrival.named(message.existing))) {
    ObjectFilter objects = updated->view().objects;
    objects.take(message.parameters.items());
    if (objects.ranges() > arrival.limits().max_filter_ranges) {
      return refuse(arrival, message, RequestErrorCode::kInvalidFilter, "more ranges than MAX_FILTER_RANGES");
    }
  }
  auto* update = receive(arrival, message);
  if (update == nullptr) return;
  arrival.context().announce(*update, UpdateReceived{update->handle(), update->subscription_, update->parameters_},
                             update->subscription_);
}

void SubscriptionUpdate::refuse(const Arrival& arrival, const wire::RequestUpdate& message, RequestErrorCode code,
                                std::string_view reason) {
  auto* update = receive(arrival, message);
  if (update == nullptr) return;
  (void)update->reject(code, reason);
  // Nobody but the session knows that this has ended the subscription, so the application hears of it as of its end.
  arrival.context().emit(Unsubscribed{update->subscription_});
}

SubscriptionUpdate* SubscriptionUpdate::receive(const Arrival& arrival, const wire::RequestUpdate& message) {
  auto* subscription = as<SubscriptionAsPublisher>(arrival.named(message.existing));
  if (subscription == nullptr) {
    if (arrival.ended(message.existing)) {
      arrival.refuse(RequestErrorCode::kDoesNotExist, "the subscription has ended");
    } else {
      arrival.violate("SUBSCRIBE_UPDATE for what is no subscription (section 9.11)");  // [d15 §9.11-7]
    }
    return nullptr;
  }
  if (!subscription->allows(message.parameters)) {
    arrival.violate("SUBSCRIBE_UPDATE with an earlier start (section 9.11)");
    return nullptr;
  }
  MessageParameters parameters = message.parameters;
  parameters.remove(static_cast<std::uint64_t>(MessageParameter::kGroupOrder));  // not defined here [d15 §9.2.1.6]
  auto& update = arrival.make<SubscriptionUpdate>(subscription->handle(), parameters);
  subscription->add_pending_update(update.handle(), parameters);
  return &update;
}

void SubscriptionUpdate::begin(wire::RequestReference reference) {
  Request::begin(reference);
  if (auto* subscription = as<SubscriptionAsSubscriber>(context_.find(subscription_))) {
    subscription->add_update(handle());
  }
}

void SubscriptionUpdate::on_end() {
  if (auto* subscription = as<SubscriptionAsSubscriber>(context_.find(subscription_))) {
    subscription->remove_update(handle());
  }
}

void SubscriptionUpdate::on_request_ok(const wire::RequestOk& message) {
  if (!take_answer("REQUEST_OK")) return;
  if (auto* subscription = as<SubscriptionAsSubscriber>(context_.find(subscription_))) {
    subscription->renewed(message.parameters.expires());
    subscription->apply(parameters_, message.parameters.largest_object());
  }
  if (!quiet_) context_.emit(RequestAccepted{handle(), message.parameters});
  context_.end(handle());
}

void SubscriptionUpdate::tell_unanswered() const {
  if (quiet_) return;
  context_.emit(RequestRejected{handle(), static_cast<std::uint64_t>(RequestErrorCode::kInternalError),
                                "the publisher has ended the subscription"});
}

void SubscriptionUpdate::limit_time(std::uint64_t expires_ms) {
  if (auto* subscription = as<SubscriptionAsPublisher>(context_.find(subscription_))) {
    subscription->limit_time(expires_ms);
  }
}

RequestResult SubscriptionUpdate::accept(MessageParameters parameters) {  // [d15 §9.11-3]
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  auto* subscription = as<SubscriptionAsPublisher>(context_.find(subscription_));
  if (auto sent = send(wire::RequestOk{parameters}); !sent.ok()) return sent;
  answered_ = true;
  if (subscription != nullptr) {
    if (const auto largest = parameters.largest_object()) {
      auto& known = subscription->view().largest;
      if (!known || *known < *largest) known = largest;
    }
    subscription->remove_pending_update(handle());
    subscription->apply_update(parameters_, subscription->view().largest);
    subscription->renew(parameters.expires());
    subscription->begin_fill(parameters_, reference()->id);
  }
  context_.end(handle());
  return {};
}

RequestResult SubscriptionUpdate::reject(RequestErrorCode code, std::string_view reason) {
  if (auto rejected = Request::reject(code, reason); !rejected.ok()) return rejected;
  // A failed update ends its subscription [d15 §9.11].
  if (auto* subscription = as<SubscriptionAsPublisher>(context_.find(subscription_))) {
    subscription->remove_pending_update(handle());
    context_.outgoing().reset_streams(subscription_, StreamResetCode::kCancelled, /*only_unwanted=*/false,
                                      &context_.events());
    (void)subscription->publish_done(PublishDoneCode::kUpdateFailed, reason);  // [d15 §9.11-4]
  }
  return {};
}

}  // namespace msquic_py::moqt::session
