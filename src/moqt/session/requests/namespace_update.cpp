#include "moqt/session/requests/namespace_update.h"

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/namespace_subscription.h"

namespace msquic_py::moqt::session {

namespace {

constexpr std::string_view kOverlaps = "overlaps another namespace subscription of this session";

}  // namespace

std::optional<SessionError> NamespaceUpdate::refusal(const RequestTable& requests, RequestHandle subscription,
                                                     const MessageParameters& parameters) {
  const auto* updated = as<NamespaceSubscription>(requests.find(subscription));
  if (updated == nullptr) return SessionError::kUnknownRequest;
  if (!requests.rules.tracks_apart) return SessionError::kNotInDraft;
  if (!updated->ours()) return SessionError::kWrongRole;
  if (!updated->answered()) return SessionError::kWrongState;
  if (too_many_ranges(parameters, requests)) return SessionError::kInvalidParameter;
  const TrackNamespace* const prefix = parameters.track_namespace_prefix();
  if (prefix == nullptr) return std::nullopt;
  if (!prefix->valid() && prefix->field_count() != 0) return SessionError::kInvalidName;
  const bool overlap = requests.find_first<NamespaceSubscription>([&](const NamespaceSubscription& each) {
    return each.ours() && &each != updated && each.overlaps(*prefix, updated->interest());
  });
  return overlap ? std::optional(SessionError::kPrefixOverlap) : std::nullopt;
}

NamespaceUpdate& NamespaceUpdate::receive(const Arrival& arrival, const wire::RequestUpdate& message) {
  auto& subscription = *as<NamespaceSubscription>(arrival.named(message.existing));
  auto& update = arrival.make<NamespaceUpdate>(subscription.handle(), message.parameters);
  subscription.add_update(update.handle());
  return update;
}

void NamespaceUpdate::admit(const Arrival& arrival, const wire::RequestUpdate& message) {
  const auto& subscription = *as<NamespaceSubscription>(arrival.named(message.existing));
  const TrackNamespace* const prefix = message.parameters.track_namespace_prefix();
  const bool overlap =
      prefix != nullptr && arrival.requests().find_first<NamespaceSubscription>([&](const NamespaceSubscription& each) {
        return !each.ours() && &each != &subscription && each.overlaps(*prefix, subscription.interest());
      });
  if (overlap) return refuse(arrival, message, RequestErrorCode::kPrefixOverlap, kOverlaps);
  auto& update = receive(arrival, message);
  NamespaceUpdateReceived event{update.handle(), subscription.handle(),
                                prefix == nullptr ? subscription.prefix() : *prefix, message.parameters};
  arrival.context().announce(update, std::move(event), subscription.handle());
}

void NamespaceUpdate::refuse(const Arrival& arrival, const wire::RequestUpdate& message, RequestErrorCode code,
                             std::string_view reason) {
  (void)receive(arrival, message).reject(code, reason);
}

void NamespaceUpdate::begin(wire::RequestReference reference) {
  Request::begin(reference);
  if (auto* subscription = as<NamespaceSubscription>(context_.find(subscription_))) subscription->add_update(handle());
}

void NamespaceUpdate::on_end() {
  if (auto* subscription = as<NamespaceSubscription>(context_.find(subscription_))) {
    subscription->remove_update(handle());
  }
}

void NamespaceUpdate::apply() {
  auto* const subscription = as<NamespaceSubscription>(context_.find(subscription_));
  const TrackNamespace* const prefix = parameters_.track_namespace_prefix();
  if (subscription != nullptr && prefix != nullptr) subscription->change_prefix(*prefix);
}

void NamespaceUpdate::on_request_ok(const wire::RequestOk& message) {
  if (!take_answer("REQUEST_OK")) return;
  apply();
  if (!quiet_) context_.emit(RequestAccepted{handle(), message.parameters});
  context_.end(handle());
}

RequestResult NamespaceUpdate::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  if (auto sent = send(wire::RequestOk{std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  apply();
  context_.end(handle());
  return {};
}

RequestResult NamespaceUpdate::reject(RequestErrorCode code, std::string_view reason) {
  if (auto rejected = Request::reject(code, reason); !rejected.ok()) return rejected;
  // The stream of the request is closed with it (draft-22 section 9.5.1).
  if (Request* const subscription = context_.find(subscription_)) {
    subscription->on_cancelled(Cancellation{code, std::string(reason)});
  }
  return {};
}

}  // namespace msquic_py::moqt::session
