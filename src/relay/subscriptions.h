#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/session/event.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/supply.h"
#include "relay/track.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Those who receive tracks: subscribers, and those who are offered what is published [d15 §8.4] [d15 §8.5]. The Supply
/// brings the tracks.
class Subscriptions final : public Demand {
 public:
  Subscriptions(const RelayLimits& limits, RelayCounters& counters, const moqt::session::Time& now,
                const NamespaceDirectory& namespaces, TrackTable& tracks, Supply& supply) noexcept
      : limits_(limits), counters_(counters), now_(now), namespaces_(namespaces), tracks_(tracks), supply_(supply) {}

  void on_subscribe(Peer& peer, const moqt::session::SubscribeReceived& event);
  void on_publish(Peer& peer, const moqt::session::PublishReceived& event);
  void on_update(Peer& peer, const moqt::session::UpdateReceived& event);
  void on_unsubscribed(Peer& peer, moqt::session::RequestHandle request);
  /// The time that the relay's EXPIRES gave a subscriber is over.
  void on_expired(Peer& peer, moqt::session::RequestHandle request);
  void on_stream_stopped(Peer& peer, const moqt::session::OutgoingStreamStopped& event);
  /// PUBLISH_OK.
  void on_accepted(Peer& peer, const moqt::session::RequestAccepted& event);
  void on_rejected(Peer& peer, moqt::session::RequestHandle request);
  void peer_left(Peer& peer);

  /// Tells a listener of every track published under its prefix, from the one with that `offer` on.
  void offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer);
  /// A listener listens no more: what has not been offered to it yet, for want of its credit, is not offered.
  void withdraw_offers(Peer& listener, const moqt::TrackNamespace& prefix);
  /// Resets retired streams of this peer whose time has come, and forgets subscriptions that have ended.
  void settle(Peer& peer);

  // ---- Demand ----
  void supplied(Track& track) override;
  void unsupplied(Track& track, moqt::RequestErrorCode code, std::string_view reason,
                  std::optional<moqt::session::Time> before) override;
  void turn_away(Track& track, Peer& peer) override;

 private:
  void answer(Track& track, const Track::Waiting& waiting);
  /// False when too many requests wait for the listener's credit.
  bool tell(Peer& listener, const NamespaceInterest& interest, Track& track);
  /// PUBLISH_SKIPPED; false when the draft has it not.
  bool skip(Peer& listener, const NamespaceInterest& interest, const Track& track);
  DownstreamRole& take_role(Peer& peer, Track& track, moqt::session::RequestHandle request);
  /// The role of one that waited no longer waits, or of a subscription that is over.
  void erase_role(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void add(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void drop(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void accept_update(Peer& peer, Track& track, moqt::session::RequestHandle update,
                     moqt::session::RequestHandle subscription);
  /// Its Forward State may have changed.
  void count_forward(Peer& peer, moqt::session::RequestHandle request, DownstreamRole& role);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const moqt::session::Time& now_;
  const NamespaceDirectory& namespaces_;
  TrackTable& tracks_;
  Supply& supply_;
};

}  // namespace msquic_py::relay
