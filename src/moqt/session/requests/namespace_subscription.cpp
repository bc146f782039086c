#include "moqt/session/requests/namespace_subscription.h"

#include "moqt/session/requests/arrival.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> NamespaceSubscription::refusal(const RequestTable& requests, const TrackNamespace& prefix,
                                                           const MessageParameters&) {
  if (!prefix.valid()) return SessionError::kInvalidName;
  const bool overlap = requests.find_first<NamespaceSubscription>(
      [&](const NamespaceSubscription& each) { return each.ours() && each.overlaps(prefix); });
  if (overlap) return SessionError::kPrefixOverlap;
  return std::nullopt;
}

void NamespaceSubscription::admit(const Arrival& arrival, const wire::SubscribeNamespace& message) {
  const bool overlap = arrival.requests().find_first<NamespaceSubscription>(
      [&](const NamespaceSubscription& each) { return !each.ours() && each.overlaps(message.track_namespace_prefix); });
  if (overlap) {
    // [d15 §9.23-2]
    return arrival.refuse(RequestErrorCode::kPrefixOverlap, "overlaps another namespace subscription of this session");
  }
  if (arrival.requests().count(kKind, false) >= arrival.limits().max_namespace_subscriptions) {
    return arrival.refuse(RequestErrorCode::kInternalError, "too many namespace subscriptions");
  }
  auto& request = arrival.make<NamespaceSubscription>(message.track_namespace_prefix, message.parameters);
  arrival.context().announce(request,
                             NamespaceSubscribed{request.handle(), message.track_namespace_prefix, message.parameters});
}

wire::MessageBody NamespaceSubscription::first_message() const {
  return wire::SubscribeNamespace{prefix_, parameters_};
}

void NamespaceSubscription::on_request_ok(const wire::RequestOk& message) {
  if (take_answer("REQUEST_OK")) context_.emit(RequestAccepted{handle(), message.parameters});  // [d15 §6.1-2]
}

void NamespaceSubscription::on_cancelled(const Cancellation&) {
  if (ours()) return unexpected("UNSUBSCRIBE_NAMESPACE");
  if (!answered()) (void)accept({});  // every request gets its one answer, even a withdrawn one
  context_.emit(NamespaceUnsubscribed{handle()});
  context_.end(handle());
}

RequestResult NamespaceSubscription::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §6.1-1]
  if (auto sent = send(wire::RequestOk{std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  return {};
}

RequestResult NamespaceSubscription::cancel() {
  if (!ours()) return base::Failure{SessionError::kWrongRole};
  withdraw();
  return {};
}

}  // namespace msquic_py::moqt::session
