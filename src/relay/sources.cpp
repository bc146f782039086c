#include "relay/sources.h"

#include <algorithm>
#include <utility>

namespace msquic_py::relay {

Upstream& Sources::add(moqt::TrackNamespace prefix) {
  upstreams_.push_back(std::make_unique<Upstream>(upstreams_.size(), std::move(prefix)));
  return *upstreams_.back();
}

std::vector<Peer*> Sources::clients_for(const moqt::TrackNamespace& track_namespace) const {
  std::vector<Peer*> clients = directory_.publishers_for(track_namespace);
  std::erase_if(clients, [](const Peer* peer) { return peer->upstream != nullptr || peer->leaving; });
  return clients;
}

std::vector<Peer*> Sources::upstreams_for(const moqt::TrackNamespace& track_namespace) const {
  std::vector<Peer*> result;
  for (const auto& upstream : upstreams_) {
    Peer* const peer = upstream->peer;
    if (peer != nullptr && !peer->leaving && upstream->prefix.is_prefix_of(track_namespace)) result.push_back(peer);
  }
  if (result.size() < 2) return result;
  const std::vector<Peer*> announced = directory_.publishers_for(track_namespace);
  std::stable_partition(result.begin(), result.end(), [&](Peer* peer) {
    return std::find(announced.begin(), announced.end(), peer) != announced.end();
  });
  return result;
}

std::vector<Peer*> Sources::all_for(const moqt::TrackNamespace& track_namespace, bool up) const {
  std::vector<Peer*> result = clients_for(track_namespace);
  return result.empty() && up ? upstreams_for(track_namespace) : result;
}

bool Sources::expected_for(const moqt::TrackNamespace& track_namespace) const {
  return std::any_of(upstreams_.begin(), upstreams_.end(), [&](const auto& upstream) {
    return upstream->peer == nullptr && upstream->expected && upstream->prefix.is_prefix_of(track_namespace);
  });
}

}  // namespace msquic_py::relay
