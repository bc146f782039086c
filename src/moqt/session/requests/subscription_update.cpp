#include "moqt/session/requests/subscription_update.h"

#include "moqt/session/requests/subscription_as_publisher.h"

namespace msquic_py::moqt::session {

wire::ControlMessage SubscriptionUpdate::first_message(std::uint64_t id) const {
  const Request* subscription = context_.find(subscription_);
  const std::uint64_t subscription_id = subscription == nullptr ? 0 : subscription->id().value_or(0);
  return wire::SubscribeUpdate{id, subscription_id, parameters_};
}

bool SubscriptionUpdate::obsolete() const { return context_.find(subscription_) == nullptr; }

void SubscriptionUpdate::on_request_ok(const wire::RequestOk& message) {
  if (!take_answer("REQUEST_OK")) return;
  context_.emit(RequestAccepted{handle(), message.parameters});
  context_.end(handle());
}

RequestResult SubscriptionUpdate::accept(MessageParameters parameters) {  // [d15 §9.11-3]
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  auto* subscription = static_cast<SubscriptionAsPublisher*>(context_.find(subscription_));
  if (auto sent = context_.send(wire::RequestOk{*id(), parameters}); !sent.ok()) return sent;
  answered_ = true;
  if (subscription != nullptr) {
    if (const auto largest = parameters.largest_object()) {
      auto& known = subscription->view().largest;
      if (!known || *known < *largest) known = largest;
    }
    subscription->remove_pending_update(handle());
    subscription->apply_update(parameters_, subscription->view().largest);
  }
  context_.end(handle());
  return {};
}

RequestResult SubscriptionUpdate::reject(RequestErrorCode code, std::string_view reason) {
  if (auto rejected = Request::reject(code, reason); !rejected.ok()) return rejected;
  // A failed update ends its subscription [d15 §9.11].
  if (auto* subscription = static_cast<SubscriptionAsPublisher*>(context_.find(subscription_))) {
    subscription->remove_pending_update(handle());
    context_.outgoing().reset_streams(subscription_, StreamResetCode::kCancelled, /*only_unwanted=*/false,
                                      &context_.events());
    (void)subscription->publish_done(PublishDoneCode::kUpdateFailed, reason);  // [d15 §9.11-4]
  }
  return {};
}

}  // namespace msquic_py::moqt::session
