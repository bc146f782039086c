#include "moqt/session/requests/namespace_publication.h"

namespace msquic_py::moqt::session {

wire::ControlMessage NamespacePublication::first_message(std::uint64_t id) const {
  return wire::PublishNamespace{id, namespace_, parameters_};
}

void NamespacePublication::on_request_ok(const wire::RequestOk& message) {
  if (take_answer("REQUEST_OK")) context_.emit(RequestAccepted{handle(), message.parameters});  // [d15 §6.2-2, §6.2-4]
}

void NamespacePublication::on_done() {
  if (!answered()) (void)accept({});  // every request gets its one answer, even a withdrawn one
  context_.emit(NamespaceDone{handle()});
  context_.end(handle());
}

void NamespacePublication::on_cancel(const wire::PublishNamespaceCancel& message) {  // [d15 §9.22-1]
  if (!answered()) context_.expect_late_response(*id());
  context_.emit(NamespaceCancelled{handle(), static_cast<std::uint64_t>(message.error_code), message.error_reason});
  context_.end(handle());
}

RequestResult NamespacePublication::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §6.2-3]
  if (auto sent = context_.send(wire::RequestOk{*id(), std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  return {};
}

RequestResult NamespacePublication::cancel() {
  if (!ours()) return base::Failure{SessionError::kWrongRole};
  withdraw();
  return {};
}

void NamespacePublication::withdraw() {
  if (id()) {
    if (!answered()) context_.expect_late_response(*id());
    (void)context_.send(wire::PublishNamespaceDone{namespace_});
  }
  context_.end(handle());
}

RequestResult NamespacePublication::revoke(RequestErrorCode code, std::string_view reason) {
  if (ours()) return base::Failure{SessionError::kWrongRole};
  if (!answered()) return base::Failure{SessionError::kWrongState};
  auto sent = context_.send(wire::PublishNamespaceCancel{namespace_, code, cut_reason(reason)});
  if (!sent.ok()) return sent;
  context_.end(handle());
  return {};
}

}  // namespace msquic_py::moqt::session
