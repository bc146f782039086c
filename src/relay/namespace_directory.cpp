#include "relay/namespace_directory.h"

#include <algorithm>

#include "relay/peer.h"

namespace msquic_py::relay {

bool NamespaceDirectory::add(Entries& entries, const moqt::TrackNamespace& key, Peer& peer) {
  auto& peers = entries[key];
  const bool first = peers.empty();
  if (std::find(peers.begin(), peers.end(), &peer) == peers.end()) peers.push_back(&peer);
  return first;
}

bool NamespaceDirectory::remove(Entries& entries, const moqt::TrackNamespace& key, Peer& peer) {
  const auto found = entries.find(key);
  if (found == entries.end()) return false;
  std::erase(found->second, &peer);
  if (!found->second.empty()) return false;
  entries.erase(found);
  return true;
}

std::vector<Peer*> NamespaceDirectory::at_prefixes_of(const Entries& entries,
                                                      const moqt::TrackNamespace& track_namespace) {
  std::vector<Peer*> result;
  const auto collect = [&](const moqt::TrackNamespace& prefix) {
    const auto found = entries.find(prefix);
    if (found == entries.end()) return;
    for (Peer* peer : found->second) {
      if (std::find(result.begin(), result.end(), peer) == result.end()) result.push_back(peer);
    }
  };
  moqt::TrackNamespace prefix;
  collect(prefix);  // of no fields: only there under the tolerance empty-namespace-prefix
  for (const auto& field : track_namespace.fields()) {
    prefix.append(field);
    collect(prefix);
  }
  return result;
}

std::optional<std::uint64_t> NamespaceDirectory::publish(const moqt::TrackNamespace& track_namespace, Peer& peer) {
  if (!add(publishers_, track_namespace, peer)) return std::nullopt;
  return numbers_[track_namespace] = next_number_++;
}

bool NamespaceDirectory::unpublish(const moqt::TrackNamespace& track_namespace, Peer& peer) {
  const bool last = remove(publishers_, track_namespace, peer);
  if (last) numbers_.erase(track_namespace);
  return last;
}

std::vector<Peer*> NamespaceDirectory::publishers_for(const moqt::TrackNamespace& track_namespace) const {
  return at_prefixes_of(publishers_, track_namespace);
}

std::vector<NamespaceDirectory::Publication> NamespaceDirectory::published_under(const moqt::TrackNamespace& prefix,
                                                                                 std::uint64_t from) const {
  std::vector<Publication> result;
  for (auto entry = numbers_.lower_bound(prefix); entry != numbers_.end() && prefix.is_prefix_of(entry->first);
       ++entry) {
    if (entry->second >= from) result.push_back({entry->second, entry->first});
  }
  std::sort(result.begin(), result.end(),
            [](const Publication& left, const Publication& right) { return left.number < right.number; });
  return result;
}

std::vector<moqt::TrackNamespace> NamespaceDirectory::prefixes_wanted_by_clients() const {
  std::vector<moqt::TrackNamespace> prefixes;
  for (const auto& [prefix, peers] : subscribers_) {
    if (std::any_of(peers.begin(), peers.end(), [](const Peer* peer) { return peer->upstream == nullptr; }))
      prefixes.push_back(prefix);
  }
  return prefixes;
}

const std::vector<Peer*>& NamespaceDirectory::publishers_of(const moqt::TrackNamespace& track_namespace) const {
  static const std::vector<Peer*> kNone;
  const auto found = publishers_.find(track_namespace);
  return found == publishers_.end() ? kNone : found->second;
}

void NamespaceDirectory::subscribe(const moqt::TrackNamespace& prefix, Peer& peer) {
  (void)add(subscribers_, prefix, peer);
}

void NamespaceDirectory::unsubscribe(const moqt::TrackNamespace& prefix, Peer& peer) {
  (void)remove(subscribers_, prefix, peer);
}

std::vector<Peer*> NamespaceDirectory::interested_in(const moqt::TrackNamespace& track_namespace) const {
  return at_prefixes_of(subscribers_, track_namespace);
}

bool NamespaceDirectory::publishes(const moqt::TrackNamespace& track_namespace, const Peer& peer) const {
  const auto& publishers = publishers_of(track_namespace);
  return std::find(publishers.begin(), publishers.end(), &peer) != publishers.end();
}

}  // namespace msquic_py::relay
