#include "moqt/session/requests/namespace_subscription.h"

namespace msquic_py::moqt::session {

wire::ControlMessage NamespaceSubscription::first_message(std::uint64_t id) const {
  return wire::SubscribeNamespace{id, prefix_, parameters_};
}

void NamespaceSubscription::on_request_ok(const wire::RequestOk& message) {
  if (take_answer("REQUEST_OK")) context_.emit(RequestAccepted{handle(), message.parameters});  // [d15 §6.1-2]
}

void NamespaceSubscription::on_unsubscribe_namespace() {
  if (ours()) return unexpected("UNSUBSCRIBE_NAMESPACE");
  if (!answered()) (void)accept({});  // every request gets its one answer, even a withdrawn one
  context_.emit(NamespaceUnsubscribed{handle()});
  context_.end(handle());
}

RequestResult NamespaceSubscription::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §6.1-1]
  if (auto sent = context_.send(wire::RequestOk{*id(), std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  return {};
}

RequestResult NamespaceSubscription::cancel() {
  if (!ours()) return base::Failure{SessionError::kWrongRole};
  withdraw();
  return {};
}

void NamespaceSubscription::withdraw() {
  if (id()) {
    if (!answered()) context_.expect_late_response(*id());
    (void)context_.send(wire::UnsubscribeNamespace{*id()});
  }
  context_.end(handle());
}

}  // namespace msquic_py::moqt::session
