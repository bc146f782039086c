#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "moqt/model/track_namespace.h"

namespace msquic_py::relay {

struct Peer;

/// Who published which namespace, and who wants to hear of which prefixes. Matching is field by field (section 8.5).
class NamespaceDirectory {
 public:
  /// Adds a publisher. True when it is the first one of this namespace.
  bool publish(const moqt::TrackNamespace& track_namespace, Peer& peer);
  /// Removes a publisher. True when it was the last one of this namespace.
  bool unpublish(const moqt::TrackNamespace& track_namespace, Peer& peer);
  /// The publishers of `track_namespace` and of every prefix of it, each once.
  [[nodiscard]] std::vector<Peer*> publishers_for(const moqt::TrackNamespace& track_namespace) const;
  /// Every published namespace that `prefix` is a prefix of.
  [[nodiscard]] std::vector<moqt::TrackNamespace> published_under(const moqt::TrackNamespace& prefix) const;

  void subscribe(const moqt::TrackNamespace& prefix, Peer& peer);
  void unsubscribe(const moqt::TrackNamespace& prefix, Peer& peer);
  /// The peers that want to hear of `track_namespace`, each once.
  [[nodiscard]] std::vector<Peer*> interested_in(const moqt::TrackNamespace& track_namespace) const;

  [[nodiscard]] std::size_t published_count() const noexcept { return publishers_.size(); }

 private:
  // Ordered by fields, so that everything under a prefix stands together.
  using Entries = std::map<moqt::TrackNamespace, std::vector<Peer*>>;
  static bool add(Entries& entries, const moqt::TrackNamespace& key, Peer& peer);
  static bool remove(Entries& entries, const moqt::TrackNamespace& key, Peer& peer);
  static std::vector<Peer*> at_prefixes_of(const Entries& entries, const moqt::TrackNamespace& track_namespace);

  Entries publishers_;
  Entries subscribers_;
};

}  // namespace msquic_py::relay
