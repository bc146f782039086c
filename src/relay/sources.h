#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "moqt/model/track_namespace.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/upstream.h"

namespace msquic_py::relay {

/// Whom to ask for a track: clients that have announced its namespace; for what none of them publishes, the upstreams.
class Sources {
 public:
  explicit Sources(const NamespaceDirectory& directory) noexcept : directory_(directory) {}

  Upstream& add(moqt::TrackNamespace prefix);
  [[nodiscard]] Upstream& upstream(std::size_t number) { return *upstreams_.at(number); }
  [[nodiscard]] const std::vector<std::unique_ptr<Upstream>>& upstreams() const noexcept { return upstreams_; }

  /// Clients that publish the namespace or a prefix of it, each once.
  [[nodiscard]] std::vector<Peer*> clients_for(const moqt::TrackNamespace& track_namespace) const;
  /// Upstreams with a session that are there for it, each once: first those that have announced it, in their order.
  [[nodiscard]] std::vector<Peer*> upstreams_for(const moqt::TrackNamespace& track_namespace) const;
  /// Clients, or if there are none, upstreams when `up`.
  [[nodiscard]] std::vector<Peer*> all_for(const moqt::TrackNamespace& track_namespace, bool up) const;
  /// Whether an upstream that is there for it may come back.
  [[nodiscard]] bool expected_for(const moqt::TrackNamespace& track_namespace) const;

 private:
  const NamespaceDirectory& directory_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
};

}  // namespace msquic_py::relay
