#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "moqt/model/track_namespace.h"

namespace msquic_py::relay {

struct Peer;

/// Who published which namespace, and who wants to hear of which prefixes. Matching is field by field [d15 §8.5].
class NamespaceDirectory {
 public:
  /// A namespace, and where it stands in the order in which namespaces were published.
  struct Publication {
    std::uint64_t number = 0;
    moqt::TrackNamespace track_namespace;
  };

  /// Adds a publisher. The number of the publication when it is the first one of this namespace.
  std::optional<std::uint64_t> publish(const moqt::TrackNamespace& track_namespace, Peer& peer);
  /// Removes a publisher. True when it was the last one of this namespace.
  bool unpublish(const moqt::TrackNamespace& track_namespace, Peer& peer);
  /// The publishers of `track_namespace` and of every prefix of it, each once.
  [[nodiscard]] std::vector<Peer*> publishers_for(const moqt::TrackNamespace& track_namespace) const;
  /// Every published namespace that `prefix` is a prefix of, with a number from `from` on, in that order.
  [[nodiscard]] std::vector<Publication> published_under(const moqt::TrackNamespace& prefix,
                                                         std::uint64_t from = 0) const;

  void subscribe(const moqt::TrackNamespace& prefix, Peer& peer);
  void unsubscribe(const moqt::TrackNamespace& prefix, Peer& peer);
  /// The peers that want to hear of `track_namespace`, each once.
  [[nodiscard]] std::vector<Peer*> interested_in(const moqt::TrackNamespace& track_namespace) const;

  /// Prefixes that some peer which is no upstream wants to hear of, ordered by fields.
  [[nodiscard]] std::vector<moqt::TrackNamespace> prefixes_wanted_by_clients() const;
  /// Those that publish exactly this namespace.
  [[nodiscard]] const std::vector<Peer*>& publishers_of(const moqt::TrackNamespace& track_namespace) const;
  /// Whether the peer is one of them.
  [[nodiscard]] bool publishes(const moqt::TrackNamespace& track_namespace, const Peer& peer) const;
  /// Where it stands in the order; only of one that is published.
  [[nodiscard]] std::uint64_t number_of(const moqt::TrackNamespace& track_namespace) const {
    return numbers_.at(track_namespace);
  }
  [[nodiscard]] std::size_t published_count() const noexcept { return publishers_.size(); }

 private:
  // Ordered by fields, so that everything under a prefix stands together.
  using Entries = std::map<moqt::TrackNamespace, std::vector<Peer*>>;
  static bool add(Entries& entries, const moqt::TrackNamespace& key, Peer& peer);
  static bool remove(Entries& entries, const moqt::TrackNamespace& key, Peer& peer);
  static std::vector<Peer*> at_prefixes_of(const Entries& entries, const moqt::TrackNamespace& track_namespace);

  Entries publishers_;
  std::map<moqt::TrackNamespace, std::uint64_t> numbers_;  ///< of those in `publishers_`
  std::uint64_t next_number_ = 1;
  Entries subscribers_;
};

}  // namespace msquic_py::relay
