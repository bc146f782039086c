#include "relay/subscriptions.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "moqt/objects/range_filters.h"
#include "relay/answers.h"
#include "relay/loop_guard.h"

namespace msquic_py::relay {

namespace session = moqt::session;

namespace {

/// Whether somebody other than `listener` has offered the track; to an upstream, a client of this relay.
bool offered_for(const Peer& listener, const Track& track) {
  const auto& upstreams = track.upstreams();
  return std::any_of(upstreams.begin(), upstreams.end(), [&](const Track::Upstream& each) {
    if (!each.from_publish) return false;
    if (listener.upstream != nullptr) return each.peer->upstream == nullptr;
    return each.peer != &listener || !listener.is_relay();
  });
}

constexpr auto kTrackFilter = static_cast<std::uint64_t>(moqt::MessageParameter::kTrackPropertyFilter);

}  // namespace

// ---- roles ----

DownstreamRole& Subscriptions::take_role(Peer& peer, Track& track, session::RequestHandle request) {
  if (auto* role = peer.role<DownstreamRole>(request)) return *role;
  ++peer.wanted[&track];
  return std::get<DownstreamRole>(peer.roles.insert_or_assign(request, DownstreamRole{&track}).first->second);
}

void Subscriptions::erase_role(Peer& peer, Track& track, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role == nullptr) return;
  if (role->forward) --track.forwarding;
  if (role->subscription != nullptr) {
    if (peer.upstream != nullptr) --track.upward;
    --counters_.downstream_subscriptions;
  }
  const auto wanted = peer.wanted.find(&track);
  if (--wanted->second == 0) peer.wanted.erase(wanted);
  peer.roles.erase(request);
}

void Subscriptions::add(Peer& peer, Track& track, session::RequestHandle request) {
  DownstreamRole& role = take_role(peer, track, request);
  role.subscription = &track.publisher().add(peer.session, request, peer);
  if (peer.upstream != nullptr) ++track.upward;
  ++counters_.downstream_subscriptions;
  count_forward(peer, request, role);
}

void Subscriptions::count_forward(Peer& peer, session::RequestHandle request, DownstreamRole& role) {
  const auto* published = peer.session.published(request);
  const bool forward = published != nullptr && published->forward;
  if (std::exchange(role.forward, forward) == forward) return;
  forward ? ++role.track->forwarding : --role.track->forwarding;
}

void Subscriptions::drop(Peer& peer, Track& track, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role == nullptr) return;
  if (role->subscription != nullptr) {
    track.publisher().remove(*role->subscription);
    std::erase_if(track.waking,
                  [&](const Track::Waking& waking) { return waking.peer == &peer && waking.subscription == request; });
  } else {
    std::erase_if(track.waiting(),
                  [&](const Track::Waiting& waiting) { return waiting.peer == &peer && waiting.request == request; });
  }
  erase_role(peer, track, request);
}

// ---- requests of a peer ----

void Subscriptions::on_subscribe(Peer& peer, const session::SubscribeReceived& event) {
  if (peer.loops(event.track.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, kLoopReason);
    return;
  }
  Track* track = tracks_.find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
  }
  Track::Waiting waiting{&peer, event.request, now_};
  waiting.rendezvous =
      std::min(std::chrono::milliseconds(event.parameters.rendezvous_timeout().value_or(0)), limits_.max_rendezvous);
  waiting.unfiltered = !event.parameters.filter();
  const auto new_group = event.parameters.new_group_request();
  (void)take_role(peer, *track, event.request);
  if (track->established()) {  // [d15 §8.5-3]
    answer(*track, waiting);
    supply_.request_new_group(*track, new_group);
    return;
  }
  track->waiting().push_back(waiting);  // [d15 §8.4-2]
  if (new_group) track->want_new_group(*new_group);
  supply_.seek(*track);
}

void Subscriptions::answer(Track& track, const Track::Waiting& waiting) {
  session::Session& to = waiting.peer->session;
  if (waiting.peer->upstream != nullptr && !track.established_here()) {
    // The two have asked each other at the same time: it would get back what comes from above.
    (void)to.reject(waiting.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
    erase_role(*waiting.peer, track, waiting.request);
  } else if (accept_in_draft(to, waiting.request, track.description())) {
    add(*waiting.peer, track, waiting.request);
  } else {  // it refuses what asks for nothing that is still to come
    erase_role(*waiting.peer, track, waiting.request);
  }
  waiting.peer->outlet.make_ready();
}

void Subscriptions::supplied(Track& track) {
  for (const Track::Waiting& waiting : std::exchange(track.waiting(), {})) answer(track, waiting);
  for (const Track::Waking& waking : std::exchange(track.waking, {})) {
    accept_update(*waking.peer, track, waking.update, waking.subscription);
  }
}

void Subscriptions::unsupplied(Track& track, moqt::RequestErrorCode code, std::string_view reason,
                               std::optional<session::Time> before) {
  std::vector<Track::Waiting> refused;
  std::erase_if(track.waiting(), [&](const Track::Waiting& waiting) {
    if (before && (waiting.since > *before || waiting.since + waiting.rendezvous > now_)) return false;
    refused.push_back(waiting);
    return true;
  });
  if (track.waiting().empty()) (void)track.take_wanted_new_group();
  std::erase_if(track.waking, [&](const Track::Waking& waking) {
    if (before && waking.since > *before) return false;
    (void)waking.peer->session.reject(waking.update, code, reason);  // its subscription ends with that
    waking.peer->outlet.make_ready();
    return true;
  });
  for (const Track::Waiting& waiting : refused) {
    // Section 10.2.6 of draft-18.
    const bool timed_out = waiting.rendezvous.count() > 0 && code == moqt::RequestErrorCode::kDoesNotExist;
    (void)waiting.peer->session.reject(waiting.request, timed_out ? moqt::RequestErrorCode::kTimeout : code, reason);
    erase_role(*waiting.peer, track, waiting.request);
    waiting.peer->outlet.make_ready();
  }
}

void Subscriptions::turn_away(Track& track, Peer& peer) {
  std::erase_if(track.waiting(), [&](const Track::Waiting& waiting) {
    if (waiting.peer != &peer) return false;
    (void)peer.session.reject(waiting.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
    erase_role(peer, track, waiting.request);
    return true;
  });
  for (const auto& [request, role] : peer.roles) {
    const auto* downstream = std::get_if<DownstreamRole>(&role);
    if (downstream == nullptr || downstream->track != &track || downstream->subscription == nullptr) continue;
    downstream->subscription->end(moqt::PublishDoneCode::kInternalError, "the publisher was lost", /*abandon=*/true);
  }
  peer.outlet.make_ready();
}

void Subscriptions::on_publish(Peer& peer, const session::PublishReceived& event) {
  if (peer.loops(event.track.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kUninterested, kLoopReason);
    return;
  }
  Track* track = tracks_.find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
  }
  if (!supply_.on_publish(peer, *track, event)) return supply_.release(*track);
  tracks_.offer(*track);
  for (Peer* listener : namespaces_.interested_in(event.track.track_namespace)) {  // [d15 §5.1-5, §8.5-7]
    auto* const entry = listener->track_interest_in(event.track.track_namespace);
    if (entry == nullptr || entry->second.tracks_from) continue;  // what waits goes first, in order
    if (!tell(*listener, entry->second, *track)) entry->second.tracks_from = track->offer;
  }
}

bool Subscriptions::tell(Peer& listener, const NamespaceInterest& interest, Track& track) {  // [d15 §6.1-4]
  if (listener.wants(track) || !offered_for(listener, track)) return true;
  // SUBSCRIBE_TRACKS leaves out what the subscriber publishes itself (section 6.1 of draft-18).
  if (!session::wants_namespaces(interest.what) && track.has_upstream_at(listener)) return true;
  if (!moqt::objects::passes(interest.tracks, track.description())) return true;  // draft-22 section 3.6.1
  moqt::MessageParameters parameters = track.description();
  for (const moqt::Parameter& each : interest.parameters.items()) {
    if (each.type != kTrackFilter) parameters.append(each);
  }
  if (!interest.forward) parameters.set_forward(false);  // [d15 §9.23-4]
  shorten_times(parameters, listener.session.draft());
  const auto request =
      listener.session.publish(track.name(), std::move(parameters), {.since = session::Patience::Since::kSent});
  if ((!request || listener.session.waits_for_credit(*request)) && skip(listener, interest, track)) {
    // It has not gone out, and never does.
    if (request) (void)listener.session.publish_done(*request, moqt::PublishDoneCode::kInternalError);
    return true;
  }
  if (!request) return request.error() != session::SessionError::kTooManyRequests;
  add(listener, track, *request);
  listener.outlet.make_ready();
  return true;
}

bool Subscriptions::skip(Peer& listener, const NamespaceInterest& interest, const Track& track) {
  if (!interest.request || !listener.session.skip_publish(interest.request, track.name())) return false;
  ++counters_.publishes_skipped;
  listener.outlet.make_ready();
  return true;
}

void Subscriptions::on_update(Peer& peer, const session::UpdateReceived& event) {
  auto* role = peer.role<DownstreamRole>(event.subscription);
  if (role == nullptr) return void(peer.session.accept(event.update));
  Track& track = *role->track;
  const bool wakes = event.parameters.forward() == true && !role->forward && role->subscription != nullptr;
  if (wakes && !track.established()) {  // where the track stands, its publisher has to say first
    track.waking.push_back({&peer, event.update, event.subscription, now_});
    if (const auto new_group = event.parameters.new_group_request()) track.want_new_group(*new_group);
    return supply_.seek(track);
  }
  accept_update(peer, track, event.update, event.subscription);
  supply_.request_new_group(track, event.parameters.new_group_request());
  track.demanded() ? supply_.seek(track) : supply_.release(track);
}

void Subscriptions::accept_update(Peer& peer, Track& track, session::RequestHandle update,
                                  session::RequestHandle subscription) {
  moqt::MessageParameters parameters;
  if (track.largest() && can_say(*track.largest(), peer.session.draft()))
    parameters.set_largest_object(*track.largest());
  (void)peer.session.accept(update, std::move(parameters));
  auto* role = peer.role<DownstreamRole>(subscription);
  if (role != nullptr && role->subscription != nullptr) count_forward(peer, subscription, *role);
  peer.outlet.make_ready();
}

void Subscriptions::on_accepted(Peer& peer, const session::RequestAccepted& event) {
  auto* role = peer.role<DownstreamRole>(event.request);
  if (role == nullptr) return;
  Track& track = *role->track;
  if (role->subscription != nullptr) count_forward(peer, event.request, *role);
  supply_.request_new_group(track, event.parameters.new_group_request());
  track.demanded() ? supply_.seek(track) : supply_.release(track);
}

void Subscriptions::on_expired(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role != nullptr && role->subscription != nullptr) {
    role->subscription->end(moqt::PublishDoneCode::kExpired, "its time is over", /*abandon=*/true);
  }
}

void Subscriptions::on_stream_stopped(Peer& peer, const session::OutgoingStreamStopped& event) {
  const auto* role = peer.role<DownstreamRole>(event.subscription);
  if (role != nullptr && role->subscription != nullptr) role->subscription->on_stream_stopped(event, now_);
}

void Subscriptions::on_unsubscribed(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role == nullptr) return;
  Track& track = *role->track;
  drop(peer, track, request);
  supply_.release(track);
}

void Subscriptions::on_rejected(Peer& peer, session::RequestHandle request) { on_unsubscribed(peer, request); }

void Subscriptions::peer_left(Peer& peer) {
  std::vector<std::pair<Track*, session::RequestHandle>> received;
  for (const auto& [request, role] : peer.roles) {
    if (const auto* downstream = std::get_if<DownstreamRole>(&role)) received.emplace_back(downstream->track, request);
  }
  for (const auto& [track, request] : received) {
    if (peer.role<DownstreamRole>(request) == nullptr) continue;  // turned away meanwhile
    drop(peer, *track, request);
    supply_.release(*track);
  }
}

// ---- offers ----

void Subscriptions::offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer) {
  interest.tracks_from.reset();
  for (auto entry = tracks_.offers().lower_bound(offer); entry != tracks_.offers().end(); ++entry) {
    Track& track = *entry->second;
    if (!interest.prefix.is_prefix_of(track.name().track_namespace) || tell(listener, interest, track)) continue;
    interest.tracks_from = entry->first;
    return;
  }
}

void Subscriptions::withdraw_offers(Peer& listener, const moqt::TrackNamespace& prefix) {
  std::vector<session::RequestHandle> unsent;
  for (const auto& [request, role] : listener.roles) {
    const auto* downstream = std::get_if<DownstreamRole>(&role);
    if (downstream == nullptr || !prefix.is_prefix_of(downstream->track->name().track_namespace)) continue;
    if (listener.session.waits_for_credit(request)) unsent.push_back(request);
  }
  for (const session::RequestHandle request : unsent) {
    Track& track = *listener.role<DownstreamRole>(request)->track;
    (void)listener.session.publish_done(request, moqt::PublishDoneCode::kSubscriptionEnded);
    drop(listener, track, request);
    supply_.release(track);
  }
}

void Subscriptions::settle(Peer& peer) {
  if (!peer.unsettled) return;
  peer.unsettled = false;
  std::vector<session::RequestHandle> over;
  for (const auto& [request, role] : peer.roles) {
    const auto* downstream = std::get_if<DownstreamRole>(&role);
    if (downstream == nullptr || downstream->subscription == nullptr) continue;
    if (!downstream->subscription->settle(now_)) peer.unsettled = true;
    if (!downstream->subscription->ended()) continue;
    // PUBLISH_DONE has gone out when the session knows the subscription no more.
    if (peer.session.published(request) == nullptr) {
      over.push_back(request);
    } else {
      peer.unsettled = true;
    }
  }
  for (const session::RequestHandle request : over) {
    Track& track = *peer.role<DownstreamRole>(request)->track;
    drop(peer, track, request);
    supply_.release(track);
  }
}

}  // namespace msquic_py::relay
