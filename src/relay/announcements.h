#pragma once

#include "moqt/session/event.h"
#include "relay/loop_guard.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/subscriptions.h"
#include "relay/supply.h"
#include "relay/upward_interests.h"

namespace msquic_py::relay {

/// Passes PUBLISH_NAMESPACE on to whoever subscribed to a prefix of it ([d15 §6.1], [d15 §6.2] and [d15 §8.5]), its own
/// publisher included, and takes it back when the last publisher of that namespace is gone. An upstream listens to the
/// namespaces that it is there for without having asked, and hears of those that clients publish; a client that is a
/// relay hears of those that somebody else publishes.
class Announcements {
 public:
  Announcements(const RelayLimits& limits, RelayCounters& counters, NamespaceDirectory& directory,
                Subscriptions& subscriptions, Supply& supply, LoopGuard& loops, UpwardInterests& upward) noexcept
      : limits_(limits),
        counters_(counters),
        directory_(directory),
        subscriptions_(subscriptions),
        supply_(supply),
        loops_(loops),
        upward_(upward) {}

  void on_published(Peer& peer, const moqt::session::NamespacePublished& event);
  void on_done(Peer& peer, const moqt::session::NamespaceDone& event);
  /// NAMESPACE of an upstream, which is PUBLISH_NAMESPACE without an answer, and NAMESPACE_DONE.
  void on_found(Peer& peer, const moqt::session::NamespaceFound& event);
  void on_lost(Peer& peer, const moqt::session::NamespaceLost& event);
  /// An upstream says no more of a prefix.
  void on_interest_ended(Peer& peer, const moqt::session::NamespaceSubscriptionEnded& event);
  void on_subscribed(Peer& peer, const moqt::session::NamespaceSubscribed& event);
  /// It listens to another prefix from now on, perhaps.
  void on_update(Peer& peer, const moqt::session::NamespaceUpdateReceived& event);
  void on_unsubscribed(Peer& peer, const moqt::session::NamespaceUnsubscribed& event);
  /// Our announcement was refused or cancelled by its receiver.
  void on_announcement_ended(Peer& peer, moqt::session::RequestHandle request);
  /// The peer may be told what it was not told for want of credit.
  void on_requests_possible(Peer& peer);
  /// An upstream has a session: it is told what is published here.
  void upstream_came(Upstream& upstream);
  void peer_left(Peer& peer);

 private:
  [[nodiscard]] bool may_hear(const Peer& listener, const moqt::TrackNamespace& track_namespace) const;
  /// Goes on from where the listener was left.
  void announce_from(Peer& listener, moqt::session::RequestHandle interest, std::uint64_t number);
  /// False when too many requests wait for the listener's credit.
  bool announce(Peer& listener, moqt::session::RequestHandle interest, const moqt::TrackNamespace& track_namespace);
  void take_back(Peer& listener, std::map<moqt::TrackNamespace, moqt::session::RequestHandle>::iterator announcement);
  /// The peer listens to that prefix no more, unless another of its interests does.
  void leave_prefix(Peer& peer, const moqt::TrackNamespace& prefix);
  /// The peer publishes the namespace from now on.
  void add(Peer& publisher, const moqt::TrackNamespace& track_namespace);
  void withdraw(const moqt::TrackNamespace& track_namespace, Peer& publisher);
  /// What listeners here want to hear of may have changed.
  void interests_changed();
  /// What was told for that request is told no more.
  void lose_found(Peer& peer, moqt::session::RequestHandle interest);
  /// Takes back what a peer said, and was told, before it was known that it is part of a loop.
  void forget_looped(Peer& peer);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  NamespaceDirectory& directory_;
  Subscriptions& subscriptions_;
  Supply& supply_;
  LoopGuard& loops_;
  UpwardInterests& upward_;
};

}  // namespace msquic_py::relay
