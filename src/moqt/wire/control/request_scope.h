#pragma once

#include <optional>

#include "moqt/wire/control/control_fields.h"

namespace msquic_py::moqt::wire {

/// The place of the parameters of a REQUEST_OK that answers such a message.
constexpr Places place_of_ok(MessageType answered) noexcept {
  switch (answered) {
    case MessageType::kPublish: return at(Place::kPublishOk);
    case MessageType::kTrackStatus: return at(Place::kTrackStatusOk);
    case MessageType::kPublishNamespace: return at(Place::kPublishNamespaceOk);
    case MessageType::kSubscribeNamespace: return at(Place::kSubscribeNamespaceOk);
    case MessageType::kSubscribeTracks: return at(Place::kSubscribeTracksOk);
    case MessageType::kRequestUpdate: return at(Place::kRequestUpdateOk);
    default: return 0;
  }
}
/// The place of the parameters of a REQUEST_UPDATE of a request that such a message began.
constexpr Places place_of_update(MessageType request) noexcept {
  switch (request) {
    case MessageType::kSubscribe:
    case MessageType::kPublish: return at(Place::kSubscriptionUpdate);
    case MessageType::kFetch: return at(Place::kFetchUpdate);
    case MessageType::kPublishNamespace: return at(Place::kPublishNamespaceUpdate);
    case MessageType::kSubscribeNamespace: return at(Place::kSubscribeNamespaceUpdate);
    case MessageType::kSubscribeTracks: return at(Place::kSubscribeTracksUpdate);
    default: return 0;
  }
}

/// What of Codec::check_scope() concerns a draft that refuses parameters in the wrong place.
template <class Traits>
std::optional<base::Violation> check_scope(const MessageBody& body, MessageType request) noexcept {
  using Sections = typename Traits::Sections;
  if constexpr (!Traits::kTypedParameters) return std::nullopt;
  if (const auto* error = std::get_if<RequestError>(&body)) {
    const bool of_namespace = request == MessageType::kSubscribeNamespace || request == MessageType::kSubscribeTracks ||
                              request == MessageType::kPublishNamespace;
    if (of_namespace && error->redirect && !error->redirect->track.track_name.empty()) {
      return kViolates<"Redirect of a request about a namespace with a Track Name", Sections::kRedirect>;
    }
    return std::nullopt;
  }
  const auto* ok = std::get_if<RequestOk>(&body);
  const auto* update = std::get_if<RequestUpdate>(&body);
  if (ok == nullptr && update == nullptr) return std::nullopt;
  const Places place = ok != nullptr ? place_of_ok(request) : place_of_update(request);
  for (const Parameter& parameter : (ok != nullptr ? ok->parameters : update->parameters).items()) {
    if (parameter.scope == ParameterScope::kTrack) {
      if (request == MessageType::kTrackStatus) continue;
      return kViolates<"Track Properties in a REQUEST_OK that answers no TRACK_STATUS", Sections::kRequestOk>;
    }
    const ParameterRule* rule = find_rule(Traits::kParameters, parameter.type);
    if (rule == nullptr || (rule->places & place) == 0) {
      return kViolates<"parameter in an answer or update that cannot have it", Sections::kParameters>;
    }
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt::wire
