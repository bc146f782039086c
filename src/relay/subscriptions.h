#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/session/event.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/track.h"

namespace msquic_py::relay {

/// Connects the tracks that publishers offer with the subscribers that want them (sections 8.4 and 8.5): one
/// subscription per publisher upstream, however many subscribers there are downstream.
class Subscriptions {
 public:
  Subscriptions(const RelayLimits& limits, RelayCounters& counters, const NamespaceDirectory& namespaces) noexcept
      : limits_(limits), counters_(counters), namespaces_(namespaces) {}

  // ---- requests of a peer ----
  void on_subscribe(Peer& peer, const moqt::session::SubscribeReceived& event);
  void on_publish(Peer& peer, const moqt::session::PublishReceived& event);
  void on_update(Peer& peer, const moqt::session::UpdateReceived& event);
  void on_unsubscribed(Peer& peer, moqt::session::RequestHandle request);
  void on_stream_stopped(Peer& peer, const moqt::session::OutgoingStreamStopped& event);

  // ---- answers of a peer, and ends ----
  void on_upstream_accepted(Peer& peer, Track& track, const moqt::session::RequestAccepted& event);
  /// PUBLISH_OK.
  void on_downstream_accepted(Track& track, const moqt::session::RequestAccepted& event);
  void on_upstream_rejected(Peer& peer, Track& track, const moqt::session::RequestRejected& event);
  void on_downstream_rejected(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void on_done(Peer& peer, const moqt::session::SubscriptionDone& event, moqt::session::Time now);
  void on_malformed(Peer& peer, const moqt::session::TrackMalformed& event, moqt::session::Time now);
  void peer_left(Peer& peer, moqt::session::Time now);

  // ---- objects ----
  void on_subgroup(Peer& peer, const moqt::session::SubgroupOpened& event);
  void on_object(Peer& peer, const moqt::session::ObjectReceived& event, moqt::session::Time now);
  void on_payload(Peer& peer, const moqt::session::ObjectPayload& event);
  void on_subgroup_end(Peer& peer, const moqt::session::SubgroupEnded& event, moqt::session::Time now);
  void on_datagram(Peer& peer, const moqt::session::DatagramReceived& event);

  // ---- namespaces ----
  /// A new publisher: it is asked for every track under `track_namespace` that somebody wants.
  void offer_publisher(Peer& publisher, const moqt::TrackNamespace& track_namespace);
  /// Tells a listener of every track published under its prefix, from the one with that `offer` on.
  void offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer);

  [[nodiscard]] const Track* find(const moqt::FullTrackName& name) const;
  /// Resets retired streams of this peer whose time has come.
  void settle(Peer& peer, moqt::session::Time now);

 private:
  Track* find_or_create(const moqt::FullTrackName& name);
  bool ask(Peer& publisher, Track& track);
  void answer(Track& track, const Track::Waiting& waiting);
  void answer_waiting(Track& track);
  void refuse_waiting(Track& track, moqt::RequestErrorCode code, std::string_view reason);
  /// False when too many requests wait for the listener's credit.
  bool tell(Peer& listener, const NamespaceInterest& interest, Track& track);
  void request_new_group(Track& track, std::optional<std::uint64_t> value);
  void drop_upstream(Peer& peer, Track& track, moqt::session::RequestHandle request, moqt::session::Time now);
  void end_downstreams(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon);
  void drop_downstream(Peer& peer, Track& track, moqt::session::RequestHandle request);
  void sweep_ended(Track& track);
  void release(Track& track);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const NamespaceDirectory& namespaces_;
  std::unordered_map<moqt::FullTrackName, std::unique_ptr<Track>> tracks_;
  std::map<std::uint64_t, Track*> offers_;  ///< the tracks that publishers have sent PUBLISH for, in that order
  std::uint64_t next_offer_ = 1;
};

}  // namespace msquic_py::relay
