#include "relay/announcements.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::relay {

namespace session = moqt::session;

namespace {

bool announced_to(const Peer& peer, const moqt::TrackNamespace& track_namespace) {
  return std::any_of(peer.roles.begin(), peer.roles.end(), [&](const auto& entry) {
    const auto* role = std::get_if<AnnouncementRole>(&entry.second);
    return role != nullptr && role->track_namespace == track_namespace;
  });
}

}  // namespace

void Announcements::on_published(Peer& peer, const session::NamespacePublished& event) {
  if (directory_.published_count() >= limits_.max_namespaces) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many namespaces");
    return;
  }
  if (!peer.session.accept(event.request)) return;
  peer.roles.insert_or_assign(event.request, PublishedNamespaceRole{event.track_namespace});
  const bool first = directory_.publish(event.track_namespace, peer);
  counters_.published_namespaces = directory_.published_count();
  if (first) {
    for (Peer* listener : directory_.interested_in(event.track_namespace)) announce(*listener, event.track_namespace);
  }
  subscriptions_.offer_publisher(peer, event.track_namespace);
}

void Announcements::announce(Peer& listener, const moqt::TrackNamespace& track_namespace) {
  if (announced_to(listener, track_namespace)) return;
  auto request = listener.session.publish_namespace(track_namespace);
  if (!request) return;
  listener.roles.insert_or_assign(*request, AnnouncementRole{track_namespace});
  listener.outlet.make_ready();
}

void Announcements::on_done(Peer& peer, const session::NamespaceDone& event) {
  const auto* role = peer.role<PublishedNamespaceRole>(event.request);
  if (role == nullptr) return;
  const moqt::TrackNamespace track_namespace = role->track_namespace;
  peer.roles.erase(event.request);
  withdraw(track_namespace, peer);
}

void Announcements::withdraw(const moqt::TrackNamespace& track_namespace, Peer& publisher) {
  const bool last = directory_.unpublish(track_namespace, publisher);
  counters_.published_namespaces = directory_.published_count();
  if (!last) return;
  for (Peer* listener : directory_.interested_in(track_namespace)) {
    for (auto entry = listener->roles.begin(); entry != listener->roles.end();) {
      const auto* role = std::get_if<AnnouncementRole>(&entry->second);
      if (role == nullptr || role->track_namespace != track_namespace) {
        ++entry;
        continue;
      }
      (void)listener->session.cancel(entry->first);
      listener->outlet.make_ready();
      entry = listener->roles.erase(entry);
    }
  }
}

void Announcements::on_subscribed(Peer& peer, const session::NamespaceSubscribed& event) {
  if (event.prefix.field_count() < limits_.min_prefix_fields) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUnauthorized, "the prefix has too few fields");
    return;
  }
  if (!peer.session.accept(event.request)) return;
  peer.roles.insert_or_assign(event.request, NamespaceInterestRole{event.prefix});
  directory_.subscribe(event.prefix, peer);
  for (const auto& track_namespace : directory_.published_under(event.prefix)) announce(peer, track_namespace);
  subscriptions_.offer_tracks(peer, event.prefix);
}

void Announcements::on_unsubscribed(Peer& peer, const session::NamespaceUnsubscribed& event) {
  const auto* role = peer.role<NamespaceInterestRole>(event.request);
  if (role == nullptr) return;
  const moqt::TrackNamespace prefix = role->prefix;
  peer.roles.erase(event.request);
  directory_.unsubscribe(prefix, peer);
  for (auto entry = peer.roles.begin(); entry != peer.roles.end();) {
    const auto* announcement = std::get_if<AnnouncementRole>(&entry->second);
    if (announcement == nullptr || !prefix.is_prefix_of(announcement->track_namespace)) {
      ++entry;
      continue;
    }
    (void)peer.session.cancel(entry->first);
    entry = peer.roles.erase(entry);
  }
}

void Announcements::peer_left(Peer& peer) {
  // First what the peer wanted, so that nothing is sent to a session that is gone.
  std::vector<moqt::TrackNamespace> published;
  for (auto entry = peer.roles.begin(); entry != peer.roles.end();) {
    if (const auto* interest = std::get_if<NamespaceInterestRole>(&entry->second)) {
      directory_.unsubscribe(interest->prefix, peer);
    } else if (auto* role = std::get_if<PublishedNamespaceRole>(&entry->second)) {
      published.push_back(std::move(role->track_namespace));
    } else {
      ++entry;
      continue;
    }
    entry = peer.roles.erase(entry);
  }
  for (const auto& track_namespace : published) withdraw(track_namespace, peer);
}

}  // namespace msquic_py::relay
