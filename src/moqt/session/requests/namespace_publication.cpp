#include "moqt/session/requests/namespace_publication.h"

#include "moqt/session/requests/arrival.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> NamespacePublication::refusal(const RequestTable& requests,
                                                          const TrackNamespace& track_namespace,
                                                          const MessageParameters&) {
  const bool whole = track_namespace.field_count() == 0 && requests.rules.empty_namespaces;
  if (!track_namespace.valid() && !whole) return SessionError::kInvalidName;
  const bool duplicate = requests.find_first<NamespacePublication>(
      [&](const NamespacePublication& each) { return each.ours() && each.track_namespace() == track_namespace; });
  if (duplicate) return SessionError::kDuplicate;
  return std::nullopt;
}

void NamespacePublication::admit(const Arrival& arrival, const wire::PublishNamespace& message) {
  const auto* known = arrival.requests().find_first<NamespacePublication>([&](const NamespacePublication& each) {
    return !each.ours() && each.track_namespace() == message.track_namespace;
  });
  if (known != nullptr) {
    if (arrival.context().config().asks_authorization && !known->answered()) {
      return arrival.refuse(RequestErrorCode::kInternalError, "the namespace is being announced already");
    }
    return arrival.accept();  // the draft does not say what a second announcement means; it changes nothing here
  }
  if (arrival.requests().count(kKind, false) >= arrival.limits().max_published_namespaces) {
    return arrival.refuse(RequestErrorCode::kInternalError, "too many namespaces");  // [d15 §12.1-2]
  }
  auto& request = arrival.make<NamespacePublication>(message.track_namespace, message.parameters);
  arrival.context().announce(request,
                             NamespacePublished{request.handle(), message.track_namespace, message.parameters});
}

wire::MessageBody NamespacePublication::first_message() const {
  return wire::PublishNamespace{namespace_, parameters_};
}

void NamespacePublication::on_request_ok(const wire::RequestOk& message) {
  if (take_answer("REQUEST_OK")) context_.emit(RequestAccepted{handle(), message.parameters});  // [d15 §6.2-2, §6.2-4]
}

void NamespacePublication::on_cancelled(const Cancellation& cancellation) {
  if (ours()) {  // [d15 §9.22-1]
    context_.emit(NamespaceCancelled{handle(), static_cast<std::uint64_t>(cancellation.code), cancellation.reason});
  } else {
    if (!answered()) (void)accept({});  // every request gets its one answer, even a withdrawn one
    context_.emit(NamespaceDone{handle()});
  }
  context_.end(handle());
}

RequestResult NamespacePublication::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §6.2-3]
  if (auto sent = send(wire::RequestOk{std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  return {};
}

RequestResult NamespacePublication::cancel() {
  if (!ours()) return base::Failure{SessionError::kWrongRole};
  withdraw();
  return {};
}

RequestResult NamespacePublication::revoke(RequestErrorCode code, std::string_view reason) {
  if (ours()) return base::Failure{SessionError::kWrongRole};
  if (!answered()) return base::Failure{SessionError::kWrongState};
  // One without fields is there by the tolerance `empty-namespace-prefix`, and cannot be named to the peer.
  if (!namespace_.valid() && !context_.rules().empty_namespaces) return base::Failure{SessionError::kInvalidName};
  context_.end(handle(), Cancellation{code, cut_reason(reason)});
  return {};
}

}  // namespace msquic_py::moqt::session
