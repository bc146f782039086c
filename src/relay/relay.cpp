#include "relay/relay.h"

#include <type_traits>
#include <variant>

namespace msquic_py::relay {

namespace session = moqt::session;

Relay::Relay(RelayLimits limits)
    : limits_(limits),
      subscriptions_(limits_, counters_, directory_),
      announcements_(limits_, counters_, directory_, subscriptions_),
      status_queries_(limits_, directory_, subscriptions_) {}

Relay::PeerNumber Relay::attach(session::Session& session, Outlet& outlet) {
  const PeerNumber number = next_number_++;
  peers_.emplace(number, std::make_unique<Peer>(number, session, outlet));
  counters_.sessions = peers_.size();
  return number;
}

void Relay::detach(PeerNumber number, session::Time now) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return;
  Peer& peer = *found->second;
  announcements_.peer_left(peer);
  status_queries_.peer_left(peer);
  subscriptions_.peer_left(peer, now);
  peers_.erase(found);
  counters_.sessions = peers_.size();
}

bool Relay::on_events(PeerNumber number, session::Time now) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return false;
  Peer& peer = *found->second;
  bool any = false;
  session::Event event;
  while (peer.session.poll_event(event)) {
    any = true;
    route(peer, event, now);
  }
  subscriptions_.settle(peer, now);
  return any;
}

void Relay::route(Peer& peer, session::Event& event, session::Time now) {
  std::visit(
      [&](auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, session::ObjectReceived>) {
          subscriptions_.on_object(peer, what, now);
        } else if constexpr (std::is_same_v<What, session::ObjectPayload>) {
          subscriptions_.on_payload(peer, what);
        } else if constexpr (std::is_same_v<What, session::SubgroupOpened>) {
          subscriptions_.on_subgroup(peer, what);
        } else if constexpr (std::is_same_v<What, session::SubgroupEnded>) {
          subscriptions_.on_subgroup_end(peer, what, now);
        } else if constexpr (std::is_same_v<What, session::DatagramReceived>) {
          subscriptions_.on_datagram(peer, what);
        } else if constexpr (std::is_same_v<What, session::SubscribeReceived>) {
          subscriptions_.on_subscribe(peer, what);
        } else if constexpr (std::is_same_v<What, session::PublishReceived>) {
          subscriptions_.on_publish(peer, what);
        } else if constexpr (std::is_same_v<What, session::UpdateReceived>) {
          subscriptions_.on_update(peer, what);
        } else if constexpr (std::is_same_v<What, session::Unsubscribed>) {
          subscriptions_.on_unsubscribed(peer, what.subscription);
        } else if constexpr (std::is_same_v<What, session::OutgoingStreamStopped>) {
          subscriptions_.on_stream_stopped(peer, what);
        } else if constexpr (std::is_same_v<What, session::SubscriptionDone>) {
          subscriptions_.on_done(peer, what, now);
        } else if constexpr (std::is_same_v<What, session::TrackMalformed>) {
          subscriptions_.on_malformed(peer, what, now);
        } else if constexpr (std::is_same_v<What, session::NamespacePublished>) {
          announcements_.on_published(peer, what);
        } else if constexpr (std::is_same_v<What, session::NamespaceDone>) {
          announcements_.on_done(peer, what);
        } else if constexpr (std::is_same_v<What, session::NamespaceSubscribed>) {
          announcements_.on_subscribed(peer, what);
        } else if constexpr (std::is_same_v<What, session::NamespaceUnsubscribed>) {
          announcements_.on_unsubscribed(peer, what);
        } else if constexpr (std::is_same_v<What, session::NamespaceCancelled>) {
          announcements_.on_announcement_ended(peer, what.request);
        } else if constexpr (std::is_same_v<What, session::RequestsPossible>) {
          announcements_.on_requests_possible(peer);
        } else if constexpr (std::is_same_v<What, session::TrackStatusReceived>) {
          status_queries_.on_received(peer, what);
        } else if constexpr (std::is_same_v<What, session::FetchReceived>) {
          (void)peer.session.reject(what.request, moqt::RequestErrorCode::kNotSupported, "FETCH is not supported");
        } else if constexpr (std::is_same_v<What, session::RequestAccepted>) {
          route_accepted(peer, what);
        } else if constexpr (std::is_same_v<What, session::RequestRejected>) {
          route_rejected(peer, what);
        }
        // The others need nothing of the relay: Established and Closed are the driver's business, and a client's GOAWAY
        // asks for no new requests, which the session refuses by itself.
      },
      event);
}

void Relay::route_accepted(Peer& peer, const session::RequestAccepted& event) {
  if (const auto* upstream = peer.role<UpstreamRole>(event.request)) {
    subscriptions_.on_upstream_accepted(peer, *upstream->track, event);
  } else if (const auto* downstream = peer.role<DownstreamRole>(event.request)) {
    subscriptions_.on_downstream_accepted(*downstream->track, event);
  } else if (const auto* query = peer.role<StatusQueryRole>(event.request)) {
    status_queries_.on_accepted(peer, query->query, event);
  }
}

void Relay::route_rejected(Peer& peer, const session::RequestRejected& event) {
  if (const auto* upstream = peer.role<UpstreamRole>(event.request)) {
    subscriptions_.on_upstream_rejected(peer, *upstream->track, event);
  } else if (const auto* downstream = peer.role<DownstreamRole>(event.request)) {
    subscriptions_.on_downstream_rejected(peer, *downstream->track, event.request);
  } else if (const auto* query = peer.role<StatusQueryRole>(event.request)) {
    status_queries_.on_rejected(peer, query->query, event);
  } else if (peer.role<AnnouncementRole>(event.request) != nullptr) {
    announcements_.on_announcement_ended(peer, event.request);
  }
}

}  // namespace msquic_py::relay
