#include "moqt/session/requests/namespace_subscription.h"

#include <algorithm>

#include "moqt/session/requests/arrival.h"

namespace msquic_py::moqt::session {

namespace {

/// What SUBSCRIBE_NAMESPACE asks for.
NamespaceInterest interest_of(const RequestRules& rules, NamespaceInterest interest) noexcept {
  return rules.tracks_apart ? NamespaceInterest::kNamespace : interest;
}

}  // namespace

std::optional<SessionError> NamespaceSubscription::refusal(const RequestTable& requests, const TrackNamespace& prefix,
                                                           const MessageParameters& parameters,
                                                           NamespaceInterest interest) {
  if (too_many_ranges(parameters, requests)) return SessionError::kInvalidParameter;
  const bool whole = prefix.field_count() == 0 && requests.rules.empty_prefixes;
  if (!prefix.valid() && !whole) return SessionError::kInvalidName;
  const bool overlap = requests.find_first<NamespaceSubscription>(
      [&](const NamespaceSubscription& each) { return each.ours() && each.overlaps(prefix, interest); });
  if (overlap) return SessionError::kPrefixOverlap;
  return std::nullopt;
}

void NamespaceSubscription::admit(const Arrival& arrival, const wire::SubscribeNamespace& message) {
  admit(arrival, message.track_namespace_prefix, message.parameters,
        interest_of(arrival.requests().rules, message.interest));
}

void NamespaceSubscription::admit(const Arrival& arrival, const wire::SubscribeTracks& message) {
  admit(arrival, message.track_namespace_prefix, message.parameters, NamespaceInterest::kPublish);
}

void NamespaceSubscription::admit(const Arrival& arrival, const TrackNamespace& prefix,
                                  const MessageParameters& parameters, NamespaceInterest interest) {
  const bool overlap = arrival.requests().find_first<NamespaceSubscription>(
      [&](const NamespaceSubscription& each) { return !each.ours() && each.overlaps(prefix, interest); });
  if (overlap) {
    // [d15 §9.23-2]
    return arrival.refuse(RequestErrorCode::kPrefixOverlap, "overlaps another namespace subscription of this session");
  }
  if (arrival.requests().count(kKind, false) >= arrival.limits().max_namespace_subscriptions) {
    return arrival.refuse(RequestErrorCode::kInternalError, "too many namespace subscriptions");
  }
  auto& request = arrival.make<NamespaceSubscription>(prefix, parameters, interest);
  arrival.context().announce(request, NamespaceSubscribed{request.handle(), prefix, parameters, interest});
}

wire::MessageBody NamespaceSubscription::first_message() const {
  if (interest_ == NamespaceInterest::kPublish && context_.rules().tracks_apart) {
    return wire::SubscribeTracks{prefix_, parameters_};
  }
  return wire::SubscribeNamespace{prefix_, parameters_, interest_};
}

void NamespaceSubscription::on_request_ok(const wire::RequestOk& message) {
  if (!take_answer("REQUEST_OK") || leader_) return;
  context_.emit(RequestAccepted{handle(), message.parameters});  // [d15 §6.1-2]
}

void NamespaceSubscription::on_request_error(const wire::RequestError& message) {
  if (!leader_) return Request::on_request_error(message);
  if (take_refusal(message)) context_.end(handle());  // whoever has no tracks to tell of may have namespaces
}

void NamespaceSubscription::on_deadline() {
  if (!leader_) return Request::on_deadline();
  withdraw();
}

void NamespaceSubscription::lead(NamespaceSubscription& tracks) noexcept {
  tracks_ = tracks.handle();
  tracks.leader_ = handle();
}

TrackNamespace NamespaceSubscription::suffix_of(const TrackNamespace& track_namespace) const {
  TrackNamespace suffix;
  for (std::size_t i = prefix_.field_count(); i < track_namespace.field_count(); ++i) {
    suffix.append(track_namespace.fields()[i]);
  }
  return suffix;
}

TrackNamespace NamespaceSubscription::with_prefix(const TrackNamespace& suffix) const {
  TrackNamespace whole = prefix_;
  for (const base::ByteVector& field : suffix.fields()) whole.append(field);
  return whole;
}

void NamespaceSubscription::on_namespace(const TrackNamespace& suffix, bool published) {
  if (!ours() || !answered() || !wants_namespaces(interest_)) return Request::on_namespace(suffix, published);
  TrackNamespace whole = with_prefix(suffix);
  if (whole.field_count() > kMaxNamespaceFields) return unexpected("NAMESPACE with too many fields");
  if (!published) {
    if (found_.erase(suffix) == 0) return unexpected("NAMESPACE_DONE without NAMESPACE");
    return context_.emit(NamespaceLost{handle(), std::move(whole)});
  }
  // Told twice, it is there once. What the peer may make this endpoint remember is bounded.
  if (found_.size() >= context_.config().limits.max_found_namespaces) {
    return context_.close(SessionErrorCode::kInternalError, "too many namespaces under one prefix");
  }
  if (found_.insert(suffix).second) context_.emit(NamespaceFound{handle(), std::move(whole)});
}

void NamespaceSubscription::on_publish_skipped(const wire::PublishSkipped& message) {
  if (!ours() || !answered() || !wants_tracks(interest_)) return Request::on_publish_skipped(message);
  FullTrackName track{with_prefix(message.track_namespace_suffix), message.track_name};
  if (!track.valid()) return unexpected("PUBLISH_BLOCKED with an invalid name");
  context_.emit(PublishSkipped{leader_ ? leader_ : handle(), std::move(track)});
}

void NamespaceSubscription::change_prefix(const TrackNamespace& prefix) {
  for (const RequestHandle each : std::exchange(announcements_, {})) context_.end(each);
  std::vector<TrackNamespace> known;
  for (const TrackNamespace& suffix : std::exchange(found_, {})) known.push_back(with_prefix(suffix));
  prefix_ = prefix;
  for (TrackNamespace& track_namespace : known) {
    if (prefix_.is_prefix_of(track_namespace)) {
      found_.insert(suffix_of(track_namespace));
    } else {
      context_.emit(NamespaceLost{handle(), std::move(track_namespace)});
    }
  }
}

void NamespaceSubscription::on_cancelled(const Cancellation& cancellation) {
  if (ours()) {
    if (!context_.rules().namespaces_are_told) return unexpected("UNSUBSCRIBE_NAMESPACE");
    if (!leader_) {
      context_.emit(
          NamespaceSubscriptionEnded{handle(), static_cast<std::uint64_t>(cancellation.code), cancellation.reason});
    }
  } else {
    if (!answered()) (void)accept({});  // every request gets its one answer, even a withdrawn one
    context_.emit(NamespaceUnsubscribed{handle()});
  }
  context_.end(handle());
}

void NamespaceSubscription::on_end() {
  for (const RequestHandle each : std::exchange(updates_, {})) context_.end(each);
  for (const RequestHandle each : std::exchange(announcements_, {})) context_.end(each);
  if (tracks_) context_.end(std::exchange(tracks_, {}), Cancellation{});
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

base::Result<RequestHandle, SessionError> NamespaceSubscription::announce(TrackNamespace track_namespace,
                                                                          Patience patience) {
  if (ours()) return base::Failure{SessionError::kWrongRole};
  if (!answered()) return base::Failure{SessionError::kWrongState};
  if (!prefix_.is_prefix_of(track_namespace)) return base::Failure{SessionError::kInvalidName};
  if (!context_.rules().namespaces_are_told) return context_.publish_namespace(std::move(track_namespace), patience);
  if (!wants_namespaces(interest_)) return base::Failure{SessionError::kWrongRole};
  const bool known = std::any_of(announcements_.begin(), announcements_.end(), [&](RequestHandle each) {
    const auto* announcement = as<NamespaceAnnouncement>(context_.find(each));
    return announcement != nullptr && announcement->track_namespace() == track_namespace;
  });
  if (known) return base::Failure{SessionError::kDuplicate};
  if (auto sent = send(wire::Namespace{suffix_of(track_namespace)}); !sent.ok()) return base::Failure{sent.error()};
  const RequestHandle announcement = context_.add_announcement(handle(), std::move(track_namespace));
  announcements_.push_back(announcement);
  return announcement;
}

RequestResult NamespaceSubscription::skip_publish(const FullTrackName& track) {
  if (!context_.rules().tracks_apart) return base::Failure{SessionError::kNotInDraft};
  if (ours() || !wants_tracks(interest_)) return base::Failure{SessionError::kWrongRole};
  if (!answered()) return base::Failure{SessionError::kWrongState};
  if (!track.valid() || !prefix_.is_prefix_of(track.track_namespace)) return base::Failure{SessionError::kInvalidName};
  return send(wire::PublishSkipped{suffix_of(track.track_namespace), track.track_name});
}

void NamespaceSubscription::withdraw(const NamespaceAnnouncement& announcement) {
  std::erase(announcements_, announcement.handle());
  (void)send(wire::NamespaceDone{suffix_of(announcement.track_namespace())});
}

}  // namespace msquic_py::moqt::session
