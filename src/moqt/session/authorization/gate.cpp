#include "moqt/session/authorization/gate.h"

#include <algorithm>
#include <variant>

namespace msquic_py::moqt::session {

std::string_view name(Operation operation) noexcept {
  switch (operation) {
    case Operation::kSetup: return "CLIENT_SETUP";
    case Operation::kSubscribe: return "SUBSCRIBE";
    case Operation::kSubscribeUpdate: return "SUBSCRIBE_UPDATE";
    case Operation::kPublish: return "PUBLISH";
    case Operation::kFetch: return "FETCH";
    case Operation::kTrackStatus: return "TRACK_STATUS";
    case Operation::kPublishNamespace: return "PUBLISH_NAMESPACE";
    case Operation::kSubscribeNamespace: return "SUBSCRIBE_NAMESPACE";
  }
  return "unknown";
}

namespace {

/// One overload for each: what is added to them does not compile without a question.
struct Questioner {
  AuthorizationRequested operator()(const SubscribeReceived& event) const {
    return {event.request, Operation::kSubscribe, event.track, event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const UpdateReceived& event) const {
    return {event.update, Operation::kSubscribeUpdate, {}, event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const PublishReceived& event) const {
    return {event.request, Operation::kPublish, event.track, event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const FetchReceived& event) const {
    return {event.request, Operation::kFetch, event.track, event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const TrackStatusReceived& event) const {
    return {event.request, Operation::kTrackStatus, event.track, event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const NamespacePublished& event) const {
    return {event.request, Operation::kPublishNamespace, FullTrackName{event.track_namespace, std::string()},
            event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const NamespaceSubscribed& event) const {
    return {event.request, Operation::kSubscribeNamespace, FullTrackName{event.prefix, std::string()},
            event.parameters.authorization_tokens()};
  }
  AuthorizationRequested operator()(const NamespaceUpdateReceived& event) const {
    return {event.update, Operation::kSubscribeNamespace, FullTrackName{event.prefix, std::string()},
            event.parameters.authorization_tokens()};
  }
};

}  // namespace

AuthorizationRequested question_of(const RequestReported& event) { return std::visit(Questioner{}, event); }

void Gate::hold(RequestHandle request, Event event, AuthorizationRequested question, RequestHandle behind) {
  held_.emplace(request, Held{std::move(event), std::move(question), behind, false});
}

bool Gate::may_ask(RequestHandle request) const noexcept {
  const auto found = held_.find(request);
  return found != held_.end() && !found->second.asked && !holds(found->second.behind);
}

AuthorizationRequested Gate::ask(RequestHandle request) {
  Held& held = held_.at(request);
  held.asked = true;
  return held.question;
}

bool Gate::asked(RequestHandle request) const noexcept {
  const auto found = held_.find(request);
  return found != held_.end() && found->second.asked;
}

const std::vector<AuthorizationToken>& Gate::tokens(RequestHandle request) const {
  return held_.at(request).question.tokens;
}

std::optional<Gate::Opened> Gate::take(RequestHandle request) {
  const auto found = held_.find(request);
  if (found == held_.end()) return std::nullopt;
  Opened opened{std::move(found->second.event), {}};
  held_.erase(found);
  for (const auto& [handle, held] : held_) {
    if (held.behind == request) opened.next.push_back(handle);
  }
  std::sort(opened.next.begin(), opened.next.end());
  return opened;
}

}  // namespace msquic_py::moqt::session
