#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/session/event.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Connects the tracks that publishers offer with the subscribers that want them [d15 §8.4] [d15 §8.5]: one
/// subscription per publisher upstream, however many subscribers there are downstream.
class Subscriptions {
 public:
  Subscriptions(const RelayLimits& limits, RelayCounters& counters, const NamespaceDirectory& namespaces,
                TrackTable& tracks) noexcept
      : limits_(limits), counters_(counters), namespaces_(namespaces), tracks_(tracks) {}

  // ---- requests of a peer ----
  void on_subscribe(Peer& peer, const moqt::session::SubscribeReceived& event, moqt::session::Time now);
  void on_publish(Peer& peer, const moqt::session::PublishReceived& event);
  void on_update(Peer& peer, const moqt::session::UpdateReceived& event);
  void on_unsubscribed(Peer& peer, moqt::session::RequestHandle request);
  /// The time that the relay's EXPIRES gave a subscriber is over.
  void on_expired(Peer& peer, moqt::session::RequestHandle request);
  void on_stream_stopped(Peer& peer, const moqt::session::OutgoingStreamStopped& event, moqt::session::Time now);

  // ---- answers of a peer, and ends ----
  void on_upstream_accepted(Peer& peer, Track& track, const moqt::session::RequestAccepted& event);
  /// PUBLISH_OK.
  void on_downstream_accepted(Track& track, const moqt::session::RequestAccepted& event);
  void on_upstream_rejected(Peer& peer, Track& track, const moqt::session::RequestRejected& event);
  void on_downstream_rejected(Peer& peer, Track& track, moqt::session::RequestHandle request);
  /// What the publisher's EXPIRES gives is running out: the relay goes on for as long as somebody wants the track.
  void renew(Peer& peer, moqt::session::RequestHandle upstream);
  void on_done(Peer& peer, const moqt::session::SubscriptionDone& event, moqt::session::Time now);
  void on_malformed(Peer& peer, const moqt::session::TrackMalformed& event, moqt::session::Time now);
  void peer_left(Peer& peer, moqt::session::Time now);

  // ---- namespaces ----
  /// A new publisher: it is asked for every track under `track_namespace` that somebody wants.
  void offer_publisher(Peer& publisher, const moqt::TrackNamespace& track_namespace);
  /// Tells a listener of every track published under its prefix, from the one with that `offer` on.
  void offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer);

  /// A listener listens no more: what has not been offered to it yet, for want of its credit, is not offered.
  void withdraw_offers(Peer& listener, const moqt::TrackNamespace& prefix);

  /// What that publisher sends of the track makes it malformed [d15 §2.4.2]: nothing more is taken from the publisher,
  /// subscribers and fetches are told, objects forgotten.
  void end_malformed(Peer& publisher, Track& track, moqt::session::Time now);
  /// Resets retired streams of this peer whose time has come, and forgets subscriptions that have ended.
  void settle(Peer& peer, moqt::session::Time now);
  /// Refuses those that have waited for a publisher for as long as they wanted to.
  void on_deadline(moqt::session::Time now);
  void release(Track& track);

 private:
  bool ask(Peer& publisher, Track& track);
  void answer(Track& track, const Track::Waiting& waiting);
  void answer_waiting(Track& track);
  void refuse_waiting(Track& track, moqt::RequestErrorCode code, std::string_view reason);
  /// False when too many requests wait for the listener's credit.
  bool tell(Peer& listener, const NamespaceInterest& interest, Track& track);
  void request_new_group(Track& track, std::optional<std::uint64_t> value);
  void drop_upstream(Peer& peer, Track& track, moqt::session::RequestHandle request, moqt::session::Time now);
  void end_downstreams(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon,
                       moqt::session::Time now);
  void add_downstream(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void drop_downstream(Peer& peer, Track& track, moqt::session::RequestHandle request);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const NamespaceDirectory& namespaces_;
  TrackTable& tracks_;
};

}  // namespace msquic_py::relay
