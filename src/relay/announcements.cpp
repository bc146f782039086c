#include "relay/announcements.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::relay {

namespace session = moqt::session;

bool Announcements::may_hear(const Peer& listener, const moqt::TrackNamespace& track_namespace) const {
  if (!listener.is_relay()) return true;
  const auto& publishers = directory_.publishers_of(track_namespace);
  return std::any_of(publishers.begin(), publishers.end(), [&](const Peer* publisher) {
    return listener.upstream != nullptr ? publisher->upstream == nullptr : publisher != &listener;
  });
}

void Announcements::on_published(Peer& peer, const session::NamespacePublished& event) {
  if (LoopGuard::is_mark(event.track_namespace)) {
    if (!loops_.on_published(peer, event)) forget_looped(peer);
    return;
  }
  if (peer.loops(event.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUninterested, kLoopReason);
    return;
  }
  if (directory_.published_count() >= limits_.max_namespaces) {  // [d15 §12.3.1-1]
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many namespaces");
    return;
  }
  if (!peer.session.accept(event.request)) return;
  peer.roles.insert_or_assign(event.request, PublishedNamespaceRole{event.track_namespace});
  add(peer, event.track_namespace);
}

void Announcements::add(Peer& publisher, const moqt::TrackNamespace& track_namespace) {
  (void)directory_.publish(track_namespace, publisher);
  counters_.published_namespaces = directory_.published_count();
  for (Peer* listener : directory_.interested_in(track_namespace)) {  // [d15 §6.2-1]
    auto* const interest = listener->namespace_interest_in(track_namespace);
    if (interest == nullptr || interest->second.namespaces_from) continue;  // what waits goes first, in order
    if (!announce(*listener, interest->first, track_namespace)) {
      interest->second.namespaces_from = directory_.number_of(track_namespace);
    }
  }
  supply_.publisher_came(publisher, track_namespace);
}

void Announcements::on_found(Peer& peer, const session::NamespaceFound& event) {
  const moqt::TrackNamespace& name = event.track_namespace;
  // What it was told by this relay comes back from some publishers.
  if (LoopGuard::is_mark(name) || peer.loops(name) || peer.announcements.contains(name)) return;
  if (directory_.publishes(name, peer) || directory_.published_count() >= limits_.max_namespaces) return;
  peer.told.emplace(name, event.subscription);
  add(peer, name);
}

void Announcements::on_lost(Peer& peer, const session::NamespaceLost& event) {
  const auto found = peer.told.find(event.track_namespace);
  if (found == peer.told.end()) return;
  peer.told.erase(found);
  withdraw(event.track_namespace, peer);
}

void Announcements::on_interest_ended(Peer& peer, const session::NamespaceSubscriptionEnded& event) {
  if (peer.upstream != nullptr) {
    std::erase_if(peer.upstream->interests, [&](const auto& each) { return each.second == event.subscription; });
  }
  lose_found(peer, event.subscription);
}

void Announcements::lose_found(Peer& peer, session::RequestHandle interest) {
  std::vector<moqt::TrackNamespace> lost;
  std::erase_if(peer.told, [&](const auto& each) {
    if (each.second != interest) return false;
    lost.push_back(each.first);
    return true;
  });
  for (const auto& each : lost) withdraw(each, peer);
}

void Announcements::interests_changed() {
  for (const auto& [upstream, request] : upward_.changed()) lose_found(*upstream, request);
}

bool Announcements::announce(Peer& listener, session::RequestHandle interest,
                             const moqt::TrackNamespace& track_namespace) {
  if (listener.announcements.contains(track_namespace) || !may_hear(listener, track_namespace)) return true;
  // The relay needs no answer, and waits for credit as long as it takes.
  const session::Patience patience{.limit = session::Duration::zero()};
  // An upstream is told without having asked.
  const auto request = interest ? listener.session.announce(interest, track_namespace, patience)
                                : listener.session.publish_namespace(track_namespace, {}, patience);
  if (!request) return request.error() != session::SessionError::kTooManyRequests;
  listener.announcements.emplace(track_namespace, *request);
  listener.roles.insert_or_assign(*request, AnnouncementRole{track_namespace});
  listener.outlet.make_ready();
  return true;
}

void Announcements::announce_from(Peer& listener, session::RequestHandle request, std::uint64_t number) {
  NamespaceInterest& interest = listener.interests.at(request);
  // [d15 §6.2-1]
  interest.namespaces_from.reset();
  for (const auto& publication : directory_.published_under(interest.prefix, number)) {
    if (announce(listener, request, publication.track_namespace)) continue;
    interest.namespaces_from = publication.number;
    return;
  }
}

void Announcements::on_requests_possible(Peer& peer) {
  if (peer.upstream != nullptr) {
    loops_.on_requests_possible(*peer.upstream);
    upward_.upstream_came(*peer.upstream);
  }
  for (auto& [request, interest] : peer.interests) {
    if (interest.namespaces_from) announce_from(peer, request, *interest.namespaces_from);
    if (interest.tracks_from) subscriptions_.offer_tracks(peer, interest, *interest.tracks_from);
  }
  if (!std::exchange(peer.unasked, false)) return;
  std::vector<moqt::TrackNamespace> published;
  for (const auto& [request, role] : peer.roles) {
    if (const auto* its = std::get_if<PublishedNamespaceRole>(&role)) published.push_back(its->track_namespace);
  }
  for (const auto& [track_namespace, interest] : peer.told) published.push_back(track_namespace);
  for (const auto& track_namespace : published) supply_.publisher_came(peer, track_namespace);
}

void Announcements::upstream_came(Upstream& upstream) {
  Peer& peer = *upstream.peer;
  loops_.upstream_came(upstream);  // first, see there
  NamespaceInterest& interest = peer.interests[session::RequestHandle{}];
  interest.prefix = upstream.prefix;
  interest.forward = false;  // it takes what somebody there wants
  directory_.subscribe(upstream.prefix, peer);
  announce_from(peer, session::RequestHandle{}, 0);
  subscriptions_.offer_tracks(peer, interest, 0);
  upward_.upstream_came(upstream);
}

void Announcements::forget_looped(Peer& peer) {
  std::vector<session::RequestHandle> listened;
  for (const auto& [request, interest] : peer.interests) {
    if (peer.loops(interest.prefix)) listened.push_back(request);
  }
  for (const session::RequestHandle request : listened) on_unsubscribed(peer, {request});
  std::vector<std::pair<session::RequestHandle, moqt::TrackNamespace>> published;
  for (const auto& [request, role] : peer.roles) {
    const auto* its = std::get_if<PublishedNamespaceRole>(&role);
    if (its != nullptr && peer.loops(its->track_namespace)) published.emplace_back(request, its->track_namespace);
  }
  for (const auto& [request, track_namespace] : published) {
    (void)peer.session.cancel_namespace(request, moqt::RequestErrorCode::kUninterested, kLoopReason);
    peer.roles.erase(request);
    withdraw(track_namespace, peer);
  }
}

void Announcements::on_announcement_ended(Peer& peer, session::RequestHandle request) {
  if (const auto* role = peer.role<AnnouncementRole>(request)) peer.announcements.erase(role->track_namespace);
  peer.roles.erase(request);
}

void Announcements::take_back(Peer& listener,
                              std::map<moqt::TrackNamespace, session::RequestHandle>::iterator announcement) {
  (void)listener.session.cancel(announcement->second);
  listener.outlet.make_ready();
  listener.roles.erase(announcement->second);
  listener.announcements.erase(announcement);
}

void Announcements::on_done(Peer& peer, const session::NamespaceDone& event) {
  loops_.on_done(peer, event.request);
  const auto* role = peer.role<PublishedNamespaceRole>(event.request);
  if (role == nullptr) return;
  const moqt::TrackNamespace track_namespace = role->track_namespace;
  peer.roles.erase(event.request);
  withdraw(track_namespace, peer);
}

void Announcements::withdraw(const moqt::TrackNamespace& track_namespace, Peer& publisher) {
  const bool last = directory_.unpublish(track_namespace, publisher);
  counters_.published_namespaces = directory_.published_count();
  for (Peer* listener : directory_.interested_in(track_namespace)) {
    const auto announcement = listener->announcements.find(track_namespace);
    if (announcement == listener->announcements.end()) continue;
    if (last || !may_hear(*listener, track_namespace)) take_back(*listener, announcement);
  }
}

namespace {

/// What is said of the subscriptions that come of a request for tracks, without FORWARD, which may be updated.
moqt::MessageParameters of_subscriptions(const moqt::MessageParameters& said) {
  moqt::MessageParameters parameters;
  if (const auto order = said.group_order()) parameters.set_group_order(*order);
  if (const auto filter = said.filter()) parameters.set_filter(*filter);
  if (const auto include = said.include_properties()) parameters.set_include_properties(*include);
  for (const moqt::Parameter& each : said.items()) {
    if (std::holds_alternative<moqt::RangeFilter>(each.value)) parameters.append(each);
  }
  return parameters;
}

}  // namespace

void Announcements::on_subscribed(Peer& peer, const session::NamespaceSubscribed& event) {
  if (event.prefix.field_count() < limits_.min_prefix_fields) {  // [d15 §12.3.2-1]
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUnauthorized, "the prefix has too few fields");
    return;
  }
  if (peer.loops(event.prefix)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUninterested, kLoopReason);
    return;
  }
  if (!peer.session.accept(event.request)) return;
  NamespaceInterest& interest = peer.interests[event.request];
  interest.request = event.request;
  interest.prefix = event.prefix;
  interest.what = event.interest;
  interest.forward = event.parameters.forward().value_or(true);
  interest.parameters = of_subscriptions(event.parameters);
  interest.tracks.take(event.parameters.items());
  directory_.subscribe(event.prefix, peer);
  if (session::wants_namespaces(event.interest)) announce_from(peer, event.request, 0);
  if (session::wants_tracks(event.interest)) subscriptions_.offer_tracks(peer, interest, 0);
  interests_changed();
}

void Announcements::on_update(Peer& peer, const session::NamespaceUpdateReceived& event) {
  const auto found = peer.interests.find(event.subscription);
  if (event.prefix.field_count() < limits_.min_prefix_fields) {
    (void)peer.session.reject(event.update, moqt::RequestErrorCode::kUnauthorized, "the prefix has too few fields");
    return;
  }
  if (peer.loops(event.prefix)) {
    (void)peer.session.reject(event.update, moqt::RequestErrorCode::kUninterested, kLoopReason);
    return;
  }
  if (!peer.session.accept(event.update) || found == peer.interests.end()) return;
  peer.make_ready();
  NamespaceInterest& interest = found->second;
  interest.forward = event.parameters.forward().value_or(interest.forward);
  interest.tracks.take(event.parameters.items());
  if (event.prefix == interest.prefix) return;
  const moqt::TrackNamespace before = std::exchange(interest.prefix, event.prefix);
  if (session::wants_namespaces(interest.what)) {  // its session has forgotten what it was told of
    auto entry = peer.announcements.lower_bound(before);
    while (entry != peer.announcements.end() && before.is_prefix_of(entry->first)) {
      peer.roles.erase(entry->second);
      entry = peer.announcements.erase(entry);
    }
  }
  leave_prefix(peer, before);
  directory_.subscribe(interest.prefix, peer);
  if (session::wants_namespaces(interest.what)) announce_from(peer, event.subscription, 0);
  if (session::wants_tracks(interest.what)) subscriptions_.offer_tracks(peer, interest, 0);
  interests_changed();
}

void Announcements::leave_prefix(Peer& peer, const moqt::TrackNamespace& prefix) {
  const bool other = std::any_of(peer.interests.begin(), peer.interests.end(),
                                 [&](const auto& each) { return each.second.prefix == prefix; });
  if (!other) directory_.unsubscribe(prefix, peer);
}

void Announcements::on_unsubscribed(Peer& peer, const session::NamespaceUnsubscribed& event) {  // [d15 §6.1-3]
  const auto found = peer.interests.find(event.request);
  if (found == peer.interests.end()) return;
  const NamespaceInterest gone = std::move(found->second);
  const moqt::TrackNamespace& prefix = gone.prefix;
  peer.interests.erase(found);
  leave_prefix(peer, prefix);
  for (auto entry = peer.announcements.lower_bound(prefix); session::wants_namespaces(gone.what) &&
                                                            entry != peer.announcements.end() &&
                                                            prefix.is_prefix_of(entry->first);) {
    take_back(peer, entry++);
  }
  if (session::wants_tracks(gone.what)) subscriptions_.withdraw_offers(peer, prefix);
  interests_changed();
}

void Announcements::peer_left(Peer& peer) {
  // First what the peer wanted, so that nothing is sent to a session that is gone.
  const bool listened = !peer.interests.empty();
  for (const auto& [request, interest] : peer.interests) directory_.unsubscribe(interest.prefix, peer);
  peer.interests.clear();
  loops_.peer_left(peer);
  if (peer.upstream != nullptr) peer.upstream->interests.clear();
  if (listened) interests_changed();
  std::vector<moqt::TrackNamespace> published;
  for (auto entry = peer.roles.begin(); entry != peer.roles.end();) {
    if (auto* role = std::get_if<PublishedNamespaceRole>(&entry->second)) {
      published.push_back(std::move(role->track_namespace));
    } else {
      ++entry;
      continue;
    }
    entry = peer.roles.erase(entry);
  }
  for (const auto& [track_namespace, interest] : std::exchange(peer.told, {})) published.push_back(track_namespace);
  for (const auto& track_namespace : published) withdraw(track_namespace, peer);
}

}  // namespace msquic_py::relay
