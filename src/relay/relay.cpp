#include "relay/relay.h"

#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "base/entropy.h"

namespace msquic_py::relay {

namespace session = moqt::session;

/// One overload for every event of a session; there is no default, so that a new one cannot be overlooked
/// [d15 §4-2].
struct Relay::Route {
  Relay& relay;
  Peer& peer;
  session::Time now;

  // ---- objects ----
  void operator()(const session::SubgroupOpened& event) const { relay.intake_.on_subgroup(peer, event); }
  void operator()(const session::ObjectReceived& event) const { relay.intake_.on_object(peer, event, now); }
  void operator()(const session::ObjectPayload& event) const {
    // Most payload is of subgroups, whose streams the intake knows without asking whose request it is.
    if (relay.intake_.on_payload(peer, event, now)) return;
    if (const auto* backfill = peer.role<BackfillRole>(event.subscription)) {
      Track& track = *backfill->track;
      if (!relay.backfills_.on_payload(track, event, now)) relay.supply_.end_malformed(peer, track);
    } else {
      relay.fetches_.on_payload(peer, event, now);
    }
  }
  void operator()(const session::SubgroupEnded& event) const { relay.intake_.on_subgroup_end(peer, event, now); }
  void operator()(const session::DatagramReceived& event) const { relay.intake_.on_datagram(peer, event, now); }

  // ---- subscriptions ----
  void operator()(const session::SubscribeReceived& event) const { relay.subscriptions_.on_subscribe(peer, event); }
  void operator()(const session::PublishReceived& event) const { relay.subscriptions_.on_publish(peer, event); }
  void operator()(const session::UpdateReceived& event) const { relay.subscriptions_.on_update(peer, event); }
  void operator()(const session::Unsubscribed& event) const {
    relay.subscriptions_.on_unsubscribed(peer, event.subscription);
  }
  void operator()(const session::OutgoingStreamStopped& event) const {
    relay.subscriptions_.on_stream_stopped(peer, event);
  }
  void operator()(const session::SubscriptionDone& event) const { relay.supply_.on_done(peer, event); }
  void operator()(const session::SubscriptionExpiring& event) const { relay.supply_.renew(peer, event.subscription); }
  void operator()(const session::SubscriptionExpired& event) const {
    relay.subscriptions_.on_expired(peer, event.subscription);
  }
  void operator()(const session::TrackMalformed& event) const {
    if (peer.role<UpstreamFetchRole>(event.subscription) != nullptr) {
      relay.fetches_.on_malformed(peer, event.subscription);
    } else if (const auto* backfill = peer.role<BackfillRole>(event.subscription)) {
      relay.supply_.end_malformed(peer, *backfill->track);
    } else {
      relay.supply_.on_malformed(peer, event);
    }
  }

  // ---- fetches ----
  void operator()(const session::FetchReceived& event) const { relay.fetches_.on_fetch(peer, event, now); }
  void operator()(const session::FetchCancelled& event) const {
    relay.status_queries_.on_fetch_cancelled(peer, event.request);
    relay.fetches_.on_cancelled(peer, event);
  }
  void operator()(const session::FetchAccepted& event) const {
    if (const auto* role = peer.role<UpstreamFetchRole>(event.request)) relay.fetches_.on_accepted(role->fetch, event);
    if (const auto* role = peer.role<BackfillRole>(event.request)) relay.backfills_.on_accepted(*role->track, event);
  }
  void operator()(const session::FetchObjectReceived& event) const {
    if (const auto* backfill = peer.role<BackfillRole>(event.fetch)) {
      Track& track = *backfill->track;
      if (!relay.backfills_.on_object(track, event, now)) relay.supply_.end_malformed(peer, track);
    } else {
      relay.fetches_.on_object(peer, event, now);
    }
  }
  void operator()(const session::FetchGapReceived& event) const {
    if (const auto* backfill = peer.role<BackfillRole>(event.fetch)) {
      Backfills::on_gap(*backfill->track, event);
    } else {
      relay.fetches_.on_gap(peer, event);
    }
  }
  void operator()(const session::FetchEnded& event) const {
    if (const auto* backfill = peer.role<BackfillRole>(event.fetch)) {
      Track& track = *backfill->track;
      const bool whole = event.finished && !(track.backfill && track.backfill->lacks_some);
      const bool end_of_track = relay.backfills_.on_ended(peer, track, event, now);
      if (!track.backfill) relay.supply_.on_backfill_over(track, whole, end_of_track);
    } else {
      relay.fetches_.on_ended(peer, event, now);
    }
  }

  // ---- namespaces ----
  void operator()(const session::NamespacePublished& event) const { relay.announcements_.on_published(peer, event); }
  void operator()(const session::NamespaceDone& event) const { relay.announcements_.on_done(peer, event); }
  void operator()(const session::NamespaceSubscribed& event) const { relay.announcements_.on_subscribed(peer, event); }
  void operator()(const session::NamespaceUpdateReceived& event) const { relay.announcements_.on_update(peer, event); }
  void operator()(const session::NamespaceUnsubscribed& event) const {
    relay.announcements_.on_unsubscribed(peer, event);
  }
  void operator()(const session::NamespaceCancelled& event) const {
    relay.announcements_.on_announcement_ended(peer, event.request);
  }
  void operator()(const session::NamespaceFound& event) const { relay.announcements_.on_found(peer, event); }
  void operator()(const session::NamespaceLost& event) const { relay.announcements_.on_lost(peer, event); }
  void operator()(const session::NamespaceSubscriptionEnded& event) const {
    relay.announcements_.on_interest_ended(peer, event);
  }
  void operator()(const session::RequestsPossible&) const { relay.announcements_.on_requests_possible(peer); }
  void operator()(const session::TrackStatusReceived& event) const { relay.status_queries_.on_received(peer, event); }

  void operator()(const session::SubscriptionChanged& event) const { relay.supply_.on_changed(peer, event); }

  // ---- admission ----
  void operator()(const session::AuthorizationRequested& event) const {
    if (event.operation == session::Operation::kFetch) relay.fetches_.on_asked(peer);
    auto verdict = std::optional(session::Verdict::allow());
    const bool mark = event.operation == session::Operation::kPublishNamespace &&
                      LoopGuard::is_mark(event.track.track_namespace);  // gives nobody anything
    if (relay.policy_ != nullptr && !mark) {
      // [d15 §8.4-1, §8.5-1]
      verdict = relay.policy_->judge({peer.number, peer.session.peer_setup(), peer.address}, event);
    }
    if (verdict) session::apply(peer.session, event.request, *verdict);
  }
  void operator()(const session::AuthorizationWithdrawn& event) const {
    if (relay.policy_ != nullptr) relay.policy_->withdrawn(peer.number, event.request);
  }

  // ---- answers ----
  void operator()(const session::RequestAccepted& event) const {
    if (const auto* upstream = peer.role<UpstreamRole>(event.request)) {
      relay.supply_.on_accepted(peer, *upstream->track, event.request, event.parameters);
    } else if (const auto* woken = peer.role<WakeRole>(event.request)) {
      const WakeRole role = *woken;
      peer.roles.erase(event.request);
      relay.supply_.on_accepted(peer, *role.track, role.offer, event.parameters);
    } else if (peer.role<DownstreamRole>(event.request) != nullptr) {
      relay.subscriptions_.on_accepted(peer, event);
    } else if (const auto* query = peer.role<StatusQueryRole>(event.request)) {
      const auto known = relay.status_queries_.on_accepted(peer, query->query, event);
      if (known) relay.fetches_.on_located(*known->asker, known->fetch, now);
    }
  }
  void operator()(const session::RequestRejected& event) const {
    if (const auto* upstream = peer.role<UpstreamRole>(event.request)) {
      relay.supply_.on_rejected(peer, *upstream->track, event);
    } else if (const auto* woken = peer.role<WakeRole>(event.request)) {
      relay.supply_.on_rejected(peer, *woken->track, event);
    } else if (const auto* backfill = peer.role<BackfillRole>(event.request)) {
      Track& track = *backfill->track;
      relay.backfills_.on_rejected(peer, track, event.request, now);
      if (!track.backfill) relay.supply_.on_backfill_over(track, /*whole=*/false);
    } else if (peer.role<DownstreamRole>(event.request) != nullptr) {
      relay.subscriptions_.on_rejected(peer, event.request);
    } else if (const auto* query = peer.role<StatusQueryRole>(event.request)) {
      relay.status_queries_.on_rejected(peer, query->query, event);
    } else if (const auto* fetch = peer.role<UpstreamFetchRole>(event.request)) {
      relay.fetches_.on_rejected(peer, fetch->fetch, event);
    } else if (peer.role<AnnouncementRole>(event.request) != nullptr) {
      relay.announcements_.on_announcement_ended(peer, event.request);
    }
  }

  // ---- what needs nothing of the relay ----
  void operator()(std::monostate) const {}
  void operator()(const session::Established&) const {}
  void operator()(const session::Closed&) const {}  // the driver detaches the session
  void operator()(const session::PublishSkipped&) const {}
  /// A client asks for no new requests, which its session refuses by itself; a publisher, for one to be made again.
  void operator()(const session::GoawayReceived& event) const {
    if (event.request) relay.supply_.on_goaway(peer, event.request, /*elsewhere=*/!event.new_session_uri.empty());
  }
};

namespace {

LoopGuard::Id drawn() {
  LoopGuard::Id id{};
  static_assert(sizeof(id) % sizeof(std::uint64_t) == 0);
  for (std::size_t i = 0; i < id.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t bits = base::entropy();
    std::memcpy(id.data() + i, &bits, sizeof(bits));
  }
  return id;
}

}  // namespace

Relay::Relay(RelayLimits limits, std::shared_ptr<const base::Ledger> ledger, AdmissionPolicy* policy,
             std::optional<LoopGuard::Id> id)
    : limits_(limits),
      ledger_(ledger ? std::move(ledger) : std::make_shared<const base::Ledger>(limits.memory)),
      policy_(policy),
      sources_(directory_),
      tracks_(limits_, counters_, *ledger_),
      backfills_(limits_, counters_),
      supply_(limits_, counters_, now_, sources_, tracks_, backfills_, subscriptions_),
      subscriptions_(limits_, counters_, now_, directory_, tracks_, supply_),
      back_pressure_(limits_, counters_, tracks_),
      intake_(counters_, supply_, back_pressure_),
      status_queries_(limits_, sources_, tracks_),
      fetches_(limits_, counters_, sources_, tracks_, supply_, status_queries_),
      loops_(counters_, sources_, id ? *id : drawn()),
      upward_(directory_, sources_),
      announcements_(limits_, counters_, directory_, subscriptions_, supply_, loops_, upward_) {}

Peer& Relay::add_peer(session::Session& session, Outlet& outlet, std::string address) {
  const PeerNumber number = next_number_++;
  auto made = std::make_unique<Peer>(number, session, outlet, std::move(address));
  Peer& peer = *peers_.emplace(number, std::move(made)).first->second;
  counters_.sessions = peers_.size();
  return peer;
}

Relay::PeerNumber Relay::attach(session::Session& session, Outlet& outlet, std::string address) {
  return add_peer(session, outlet, std::move(address)).number;
}

Relay::PeerNumber Relay::attach_upstream(std::size_t number, session::Session& session, Outlet& outlet,
                                         std::string address) {
  Peer& peer = add_peer(session, outlet, std::move(address));
  Upstream& upstream = sources_.upstream(number);
  peer.upstream = &upstream;
  upstream.peer = &peer;
  ++counters_.upstreams;
  announcements_.upstream_came(upstream);
  supply_.upstream_came(upstream);
  return peer.number;
}

void Relay::mark_inner(PeerNumber number) {
  const auto found = peers_.find(number);
  if (found == peers_.end() || std::exchange(found->second->inner, true)) return;
  ++counters_.sessions_between_loops;
  if (found->second->upstream != nullptr) ++counters_.upstreams_between_loops;
}

void Relay::decide(PeerNumber number, session::RequestHandle request, const session::Verdict& verdict) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return;
  session::apply(found->second->session, request, verdict);
  found->second->make_ready();
}

void Relay::detach(PeerNumber number, session::Time now) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return;
  if (policy_ != nullptr) policy_->left(number);
  now_ = now;
  Peer& peer = *found->second;
  peer.leaving = true;
  if (peer.upstream != nullptr) --counters_.upstreams;
  if (peer.inner) {
    --counters_.sessions_between_loops;
    if (peer.upstream != nullptr) --counters_.upstreams_between_loops;
  }
  announcements_.peer_left(peer);
  status_queries_.peer_left(peer);
  fetches_.peer_left(peer);
  subscriptions_.peer_left(peer);
  if (peer.upstream != nullptr) peer.upstream->peer = nullptr;
  supply_.peer_left(peer);
  peers_.erase(found);
  counters_.sessions = peers_.size();
}

std::size_t Relay::move_track(const moqt::FullTrackName& track, std::string_view uri) {
  std::size_t told = 0;
  for (const auto& [number, peer] : peers_) {
    std::vector<session::RequestHandle> requests;
    for (const auto& [request, role] : peer->roles) {
      const auto* down = std::get_if<DownstreamRole>(&role);
      const auto* up = std::get_if<UpstreamRole>(&role);
      const Track* const its = down != nullptr ? down->track : up != nullptr ? up->track : nullptr;
      if (its != nullptr && its->name() == track) requests.push_back(request);
    }
    for (const session::RequestHandle request : requests) {
      if (peer->session.is_ours(request) || !peer->session.goaway(request, uri)) continue;
      ++told;
      peer->make_ready();
    }
  }
  return told;
}

RelayCounters Relay::counters() const noexcept {
  RelayCounters counters = counters_;
  counters.deliveries = tracks_.account();
  counters.memory_bytes = ledger_->process().bytes();
  counters.memory_connections_bytes = ledger_->connections().bytes();
  counters.memory_sessions_bytes = ledger_->sessions().bytes();
  counters.memory_tracks_bytes = ledger_->tracks().bytes();
  return counters;
}

bool Relay::on_events(PeerNumber number, session::Time now) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return false;
  Peer& peer = *found->second;
  now_ = now;
  bool any = false;
  session::Event event;
  while (peer.session.poll_event(event)) {
    any = true;
    std::visit(Route{*this, peer, now}, event);
  }
  subscriptions_.settle(peer);
  fetches_.settle();
  back_pressure_.settle(now);
  return any;
}

void Relay::on_deadline(session::Time now) {
  now_ = now;
  while (Track* const due = tracks_.take_due(now)) supply_.on_alarm(*due);
  fetches_.on_deadline(now);
  tracks_.settle(now);
  fetches_.settle();
  back_pressure_.settle(now);
}

}  // namespace msquic_py::relay
