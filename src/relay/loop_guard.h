#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "moqt/session/event.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/sources.h"

namespace msquic_py::relay {

/// What is said to a peer through which what this relay asks would come back to it.
inline constexpr std::string_view kLoopReason = "the relays are each other's upstreams: this would go round in a loop";

/// Notices relays that are, over any number of hops, each other's upstreams. Each relay marks itself with
/// PUBLISH_NAMESPACE of a namespace of its own at each of its upstreams, before anything else, and passes on the marks
/// of its clients. One that is told its own mark by a client refuses that client everything under the prefix for which
/// the relays go round. See docs/decisions/0010-relays-behind-relays.md.
class LoopGuard {
 public:
  using Id = std::array<std::uint8_t, 16>;

  LoopGuard(RelayCounters& counters, Sources& sources, Id id) noexcept
      : counters_(counters), sources_(sources), id_(id) {}

  /// Whether a namespace is a mark; then it is no announcement of anything that could be subscribed to.
  [[nodiscard]] static bool is_mark(const moqt::TrackNamespace& track_namespace) noexcept;

  /// PUBLISH_NAMESPACE of a mark. False when the prefix has become a loop just now.
  bool on_published(Peer& peer, const moqt::session::NamespacePublished& event);
  void on_done(Peer& peer, moqt::session::RequestHandle request);
  /// An upstream has a session.
  void upstream_came(Upstream& upstream);
  /// More may be said to it.
  void on_requests_possible(Upstream& upstream);
  void peer_left(Peer& peer);

 private:
  [[nodiscard]] moqt::TrackNamespace own_mark(const moqt::TrackNamespace& prefix) const;
  /// What the mark is called at an upstream, if it is there for some of what the mark is about.
  [[nodiscard]] static std::optional<moqt::TrackNamespace> at(const Upstream& upstream,
                                                              const moqt::TrackNamespace& mark);
  void pass_on(const moqt::TrackNamespace& mark);
  void take_back(const moqt::TrackNamespace& mark);
  void tell(Upstream& upstream, const moqt::TrackNamespace& mark);

  RelayCounters& counters_;
  Sources& sources_;
  const Id id_;
  /// Of clients that do not loop, in the order in which they came; several may have passed on the same.
  std::vector<std::pair<const Peer*, moqt::TrackNamespace>> marks_;
};

}  // namespace msquic_py::relay
