// The part of Session that begins requests.
#include <utility>

#include "moqt/session/requests/fetch_as_subscriber.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/namespace_subscription.h"
#include "moqt/session/requests/namespace_update.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/requests/track_status.h"
#include "moqt/session/session.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

template <class T, class... Arguments>
SessionResult<RequestHandle> ask(SessionCore& core, Patience patience, Arguments... arguments) {
  auto begun = core.ask<T>(patience, std::move(arguments)...);
  core.settle();
  return begun;
}

}  // namespace

SessionResult<RequestHandle> Session::subscribe(FullTrackName track, MessageParameters parameters, Patience patience) {
  const auto begun = ask<SubscriptionAsSubscriber>(*core_, patience, std::move(track), std::move(parameters));
  if (auto* made = begun.ok() ? as<SubscriptionAsSubscriber>(core_->requests.find(*begun)) : nullptr) {
    made->expect_objects();
  }
  return begun;
}

SessionResult<RequestHandle> Session::publish(FullTrackName track, MessageParameters parameters, Patience patience) {
  return ask<SubscriptionAsPublisher>(*core_, patience, std::move(track), std::move(parameters));
}

SessionResult<RequestHandle> Session::publish_namespace(TrackNamespace track_namespace, MessageParameters parameters,
                                                        Patience patience) {
  return ask<NamespacePublication>(*core_, patience, std::move(track_namespace), std::move(parameters));
}

SessionResult<RequestHandle> Session::subscribe_namespace(TrackNamespace prefix, MessageParameters parameters,
                                                          Patience patience, NamespaceInterest interest) {
  const RequestRules& rules = core_->requests.rules;
  if (!rules.namespaces_are_told && interest != NamespaceInterest::kBoth) {
    return base::Failure{SessionError::kNotInDraft};
  }
  if (!rules.tracks_apart || interest != NamespaceInterest::kBoth) {
    return ask<NamespaceSubscription>(*core_, patience, std::move(prefix), std::move(parameters), interest);
  }
  MessageParameters for_namespaces = parameters;
  for_namespaces.remove(static_cast<std::uint64_t>(MessageParameter::kForward));
  auto namespaces =
      ask<NamespaceSubscription>(*core_, patience, prefix, std::move(for_namespaces), NamespaceInterest::kNamespace);
  if (!namespaces.ok()) return namespaces;
  const auto tracks = ask<NamespaceSubscription>(*core_, patience, std::move(prefix), std::move(parameters),
                                                 NamespaceInterest::kPublish);
  auto* first = as<NamespaceSubscription>(core_->requests.find(*namespaces));
  auto* second = tracks.ok() ? as<NamespaceSubscription>(core_->requests.find(*tracks)) : nullptr;
  if (first != nullptr && second != nullptr) first->lead(*second);
  if (tracks.ok()) return namespaces;
  (void)cancel(*namespaces);
  return tracks;
}

SessionResult<RequestHandle> Session::announce(RequestHandle subscription, TrackNamespace track_namespace,
                                               Patience patience) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* request = core_->requests.find(subscription);
  if (request == nullptr) return base::Failure{SessionError::kUnknownRequest};
  auto announced = request->announce(std::move(track_namespace), patience);
  core_->settle();
  return announced;
}

SessionResult<void> Session::skip_publish(RequestHandle subscription, const FullTrackName& track) {
  if (core_->closed()) return base::Failure{SessionError::kClosed};
  Request* request = core_->requests.find(subscription);
  return request == nullptr ? base::Failure{SessionError::kUnknownRequest} : request->skip_publish(track);
}

SessionResult<RequestHandle> Session::track_status(FullTrackName track, MessageParameters parameters,
                                                   Patience patience) {
  return ask<TrackStatusRequest>(*core_, patience, std::move(track), std::move(parameters));
}

SessionResult<RequestHandle> Session::update(RequestHandle subscription, MessageParameters parameters,
                                             Patience patience) {
  if (const auto* namespaces = as<NamespaceSubscription>(core_->requests.find(subscription))) {
    return update_namespaces(*namespaces, std::move(parameters), patience);
  }
  const MessageParameters said = parameters;
  auto update = ask<SubscriptionUpdate>(*core_, patience, subscription, std::move(parameters));
  if (update.ok()) as<SubscriptionAsSubscriber>(core_->requests.find(subscription))->note_update(said);
  return update;
}

SessionResult<RequestHandle> Session::update_namespaces(const NamespaceSubscription& subscription,
                                                        MessageParameters parameters, Patience patience) {
  const RequestHandle led = subscription.led();
  const MessageParameters of_tracks = parameters;
  if (led) {  // two requests, of which the first is about namespaces
    parameters.remove(static_cast<std::uint64_t>(MessageParameter::kForward));
    parameters.remove(static_cast<std::uint64_t>(MessageParameter::kTrackPropertyFilter));
  }
  auto update = ask<NamespaceUpdate>(*core_, patience, subscription.handle(), std::move(parameters));
  if (!update.ok() || !led) return update;
  const auto other = ask<NamespaceUpdate>(*core_, patience, led, of_tracks);
  if (auto* quiet = other.ok() ? as<NamespaceUpdate>(core_->requests.find(*other)) : nullptr) quiet->be_quiet();
  return update;
}

SessionResult<RequestHandle> Session::fetch(FullTrackName track, Location start, Location end,
                                            MessageParameters parameters, Patience patience) {
  return ask<FetchAsSubscriber>(*core_, patience, std::move(track), FetchRange{start, end}, std::move(parameters));
}

SessionResult<RequestHandle> Session::join(RequestHandle subscription, JoiningStart start, MessageParameters parameters,
                                           Patience patience) {
  return ask<FetchAsSubscriber>(*core_, patience, subscription, start, std::move(parameters));
}

}  // namespace msquic_py::moqt::session
