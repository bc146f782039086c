#include "relay/subscriptions.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

namespace {

bool has_downstream_at(const Peer& peer, const Track& track) {
  return std::any_of(peer.roles.begin(), peer.roles.end(), [&](const auto& entry) {
    const auto* role = std::get_if<DownstreamRole>(&entry.second);
    return role != nullptr && role->track == &track && role->subscription != nullptr && !role->subscription->ended();
  });
}

/// Where a subscription begins that wants what comes behind the largest object.
moqt::Location behind(std::optional<moqt::Location> largest) noexcept {
  return largest ? moqt::Location{largest->group, largest->object + 1} : moqt::Location{};
}

}  // namespace

// ---- requests of a peer ----

void Subscriptions::on_subscribe(Peer& peer, const session::SubscribeReceived& event, session::Time now) {
  Track* track = tracks_.find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
  }
  Track::Waiting waiting{&peer, event.request, event.parameters.filter()};
  const auto rendezvous = std::min<std::uint64_t>(event.parameters.rendezvous_timeout().value_or(0),
                                                  static_cast<std::uint64_t>(limits_.max_rendezvous.count()));
  if (rendezvous > 0) waiting.until = now + std::chrono::milliseconds(rendezvous);
  const auto new_group = event.parameters.new_group_request();
  peer.roles.insert_or_assign(event.request, DownstreamRole{track});
  if (track->established()) {  // [d15 §8.5-3]
    answer(*track, waiting);
    request_new_group(*track, new_group);
    return;
  }
  track->waiting().push_back(waiting);  // [d15 §8.4-2]
  if (new_group) track->want_new_group(*new_group);
  if (!track->upstreams().empty()) return;  // asked already; the new group is asked for when they have answered
  bool publishers_are_busy = false;
  for (Peer* publisher : namespaces_.publishers_for(event.track.track_namespace)) {  // [d15 §8.5-2, §8.5-5]
    publishers_are_busy |= !ask(*publisher, *track) && publisher->unasked;
  }
  if (!track->upstreams().empty()) return;
  if (publishers_are_busy) {
    refuse_waiting(*track, moqt::RequestErrorCode::kInternalError, "too many requests wait for the publisher's credit");
  } else if (waiting.until) {
    return;  // perhaps a publisher appears in time
  } else {
    refuse_waiting(*track, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
  }
  release(*track);
}

bool Subscriptions::ask(Peer& publisher, Track& track) {
  if (track.has_upstream_at(publisher)) return false;
  moqt::MessageParameters parameters;
  parameters.set_forward(true);                                       // [d15 §7.3-2, §8.2-1, §8.5-4, §8.5-6]
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());  // [d15 §8.4]: one filter for every subscriber
  if (track.wanted_new_group()) parameters.set_new_group_request(*track.wanted_new_group());  // [d15 §9.2.1.12-3]
  auto request =
      publisher.session.subscribe(track.name(), std::move(parameters), {.limit = limits_.upstream_answer_timeout});
  if (!request) {
    publisher.unasked |= request.error() == session::SessionError::kTooManyRequests;
    return false;
  }
  if (track.wanted_new_group()) track.note_new_group_request(*track.wanted_new_group());
  publisher.roles.insert_or_assign(*request, UpstreamRole{&track});
  track.add_upstream({&publisher, *request, false, false});
  ++counters_.upstream_subscriptions;
  publisher.outlet.make_ready();
  return true;
}

void Subscriptions::answer(Track& track, const Track::Waiting& waiting) {
  session::Session& to = waiting.peer->session;
  const auto last_group = waiting.filter ? waiting.filter->last_group() : std::nullopt;
  if (last_group && track.largest() && *last_group < track.largest()->group) {
    (void)to.reject(waiting.request, moqt::RequestErrorCode::kInvalidRange,
                    "the whole range has been published already");
    waiting.peer->roles.erase(waiting.request);
  } else if (to.accept(waiting.request, track.description())) {
    add_downstream(*waiting.peer, track, waiting.request);
  } else {
    waiting.peer->roles.erase(waiting.request);
  }
  waiting.peer->outlet.make_ready();
}

void Subscriptions::answer_waiting(Track& track) {
  for (const Track::Waiting& waiting : std::exchange(track.waiting(), {})) answer(track, waiting);
}

void Subscriptions::refuse_waiting(Track& track, moqt::RequestErrorCode code, std::string_view reason) {
  (void)track.take_wanted_new_group();
  for (const Track::Waiting& waiting : std::exchange(track.waiting(), {})) {
    (void)waiting.peer->session.reject(waiting.request, code, reason);
    waiting.peer->roles.erase(waiting.request);
    waiting.peer->outlet.make_ready();
  }
}

void Subscriptions::on_deadline(session::Time now) {
  std::vector<Track*> emptied;
  tracks_.for_each([&](Track& track) {
    if (!track.upstreams().empty()) return;  // they have been asked, and answer, or time out
    const auto late =
        std::stable_partition(track.waiting().begin(), track.waiting().end(),
                              [&](const Track::Waiting& waiting) { return !waiting.until || *waiting.until > now; });
    for (auto each = late; each != track.waiting().end(); ++each) {
      (void)each->peer->session.reject(each->request, moqt::RequestErrorCode::kTimeout, "nobody publishes this track");
      each->peer->roles.erase(each->request);
      each->peer->outlet.make_ready();
    }
    if (late == track.waiting().end()) return;
    track.waiting().erase(late, track.waiting().end());
    emptied.push_back(&track);
  });
  for (Track* track : emptied) release(*track);
}

void Subscriptions::on_publish(Peer& peer, const session::PublishReceived& event) {
  Track* track = tracks_.find_or_create(event.track);
  moqt::MessageParameters parameters;
  parameters.set_forward(true);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
  }
  // [d15 §8.5-9, §8.5-10]
  if (!peer.session.accept(event.request, std::move(parameters))) return release(*track);  // withdrawn meanwhile
  track->learn(event.parameters, !track->established());
  track->add_upstream({&peer, event.request, true, true});
  ++counters_.upstream_subscriptions;
  peer.roles.insert_or_assign(event.request, UpstreamRole{track, behind(event.parameters.largest_object())});
  answer_waiting(*track);
  request_new_group(*track, track->take_wanted_new_group());
  tracks_.offer(*track);
  for (Peer* listener : namespaces_.interested_in(event.track.track_namespace)) {  // [d15 §5.1-5, §8.5-7]
    auto* const entry = listener->track_interest_in(event.track.track_namespace);
    if (entry == nullptr || entry->second.tracks_from) continue;  // what waits goes first, in order
    if (!tell(*listener, entry->second, *track)) entry->second.tracks_from = track->offer;
  }
}

bool Subscriptions::tell(Peer& listener, const NamespaceInterest& interest, Track& track) {  // [d15 §6.1-4]
  if (has_downstream_at(listener, track)) return true;
  // SUBSCRIBE_TRACKS leaves out what the subscriber publishes itself (section 6.1 of draft-18).
  if (!session::wants_namespaces(interest.what) && track.has_upstream_at(listener)) return true;
  moqt::MessageParameters parameters = track.description();
  if (!interest.forward) parameters.set_forward(false);  // [d15 §9.23-4]
  const auto request =
      listener.session.publish(track.name(), std::move(parameters), {.since = session::Patience::Since::kSent});
  if (!request) return request.error() != session::SessionError::kTooManyRequests;
  add_downstream(listener, track, *request);
  listener.outlet.make_ready();
  return true;
}

void Subscriptions::on_update(Peer& peer, const session::UpdateReceived& event) {
  const auto* role = peer.role<DownstreamRole>(event.subscription);
  moqt::MessageParameters parameters;
  if (role != nullptr && role->track->largest()) parameters.set_largest_object(*role->track->largest());
  (void)peer.session.accept(event.update, std::move(parameters));
  if (role == nullptr) return;
  request_new_group(*role->track, event.parameters.new_group_request());
}

void Subscriptions::request_new_group(Track& track, std::optional<std::uint64_t> value) {  // [d15 §9.2.1.12-4]
  if (!value || !track.needs_new_group(*value)) return;
  bool asked = false;
  for (const Track::Upstream& upstream : track.upstreams()) {
    if (!upstream.established) continue;
    moqt::MessageParameters parameters;
    parameters.set_new_group_request(*value);
    asked |= upstream.peer->session
                 .update(upstream.request, std::move(parameters), {.limit = limits_.upstream_answer_timeout})
                 .ok();
    upstream.peer->outlet.make_ready();
  }
  if (asked) track.note_new_group_request(*value);
}

void Subscriptions::on_expired(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role != nullptr && role->subscription != nullptr) {
    role->subscription->end(moqt::PublishDoneCode::kExpired, "its time is over", /*abandon=*/true);
  }
}

void Subscriptions::on_stream_stopped(Peer& peer, const session::OutgoingStreamStopped& event, session::Time now) {
  const auto* role = peer.role<DownstreamRole>(event.subscription);
  if (role != nullptr && role->subscription != nullptr) role->subscription->on_stream_stopped(event, now);
}

void Subscriptions::on_unsubscribed(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<DownstreamRole>(request);
  if (role == nullptr) return;
  Track& track = *role->track;
  drop_downstream(peer, track, request);
  release(track);
}

// ---- answers of a peer, and ends ----

void Subscriptions::on_upstream_accepted(Peer& peer, Track& track, const session::RequestAccepted& event) {
  Track::Upstream* upstream = track.upstream(peer, event.request);
  if (upstream == nullptr) return;
  const bool sole = !track.established();
  upstream->established = true;
  peer.roles.insert_or_assign(event.request, UpstreamRole{&track, behind(event.parameters.largest_object())});
  track.learn(event.parameters, sole);
  answer_waiting(track);
  request_new_group(track, track.take_wanted_new_group());
}

void Subscriptions::on_downstream_accepted(Track& track, const session::RequestAccepted& event) {
  request_new_group(track, event.parameters.new_group_request());
}

void Subscriptions::on_upstream_rejected(Peer& peer, Track& track, const session::RequestRejected& event) {
  peer.roles.erase(event.request);
  track.remove_upstream(peer, event.request);
  --counters_.upstream_subscriptions;
  if (track.upstreams().empty()) {
    refuse_waiting(track, static_cast<moqt::RequestErrorCode>(event.code), event.reason);
    // It was to take the place of a publisher that is gone.
    end_downstreams(track, moqt::PublishDoneCode::kInternalError, "no publisher goes on with the track", false, {});
  }
  release(track);
}

void Subscriptions::on_downstream_rejected(Peer& peer, Track& track, session::RequestHandle request) {
  drop_downstream(peer, track, request);
  release(track);
}

void Subscriptions::renew(Peer& peer, session::RequestHandle upstream) {
  if (peer.role<UpstreamRole>(upstream) == nullptr) return;
  (void)peer.session.update(upstream, {}, {.limit = limits_.upstream_answer_timeout});
}

void Subscriptions::on_done(Peer& peer, const session::SubscriptionDone& event, session::Time now) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  drop_upstream(peer, track, event.subscription, now);
  const bool expired = event.code == static_cast<std::uint64_t>(moqt::PublishDoneCode::kExpired);
  // A publisher that lets subscriptions run out may well grant another one; those behind the relay need not know.
  if (expired && track.wanted() && ask(peer, track)) return;
  if (track.upstreams().empty()) {
    // How this hop's subscription ended is passed on only where it says something about the track itself.
    const auto code = static_cast<moqt::PublishDoneCode>(event.code);
    const bool of_this_hop =
        code == moqt::PublishDoneCode::kUpdateFailed || code == moqt::PublishDoneCode::kTooFarBehind ||
        code == moqt::PublishDoneCode::kUnauthorized || code == moqt::PublishDoneCode::kGoingAway || expired ||
        event.code > static_cast<std::uint64_t>(moqt::PublishDoneCode::kUpdateFailed);
    end_downstreams(track, of_this_hop ? moqt::PublishDoneCode::kInternalError : code, event.reason, false, now);
  }
  release(track);
}

void Subscriptions::on_malformed(Peer& peer, const session::TrackMalformed& event, session::Time now) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role != nullptr) end_malformed(peer, *role->track, now);
}

void Subscriptions::end_malformed(Peer& publisher, Track& track, session::Time now) {
  ++counters_.malformed_tracks;
  // [d15 §2.4.2-1]
  for (const Track::Upstream& upstream : std::vector(track.upstreams())) {
    if (upstream.peer != &publisher) continue;
    (void)publisher.session.cancel(upstream.request);  // the session may have done so itself
    drop_upstream(publisher, track, upstream.request, now);
  }
  publisher.outlet.make_ready();
  if (track.upstreams().empty()) {
    refuse_waiting(track, moqt::RequestErrorCode::kInternalError, "the publisher broke the rules of the track");
  }
  // [d15 §2.4.2-2]; what waits for a FETCH to that publisher has it cancelled with the last of those who asked.
  end_downstreams(track, moqt::PublishDoneCode::kMalformedTrack, "the publisher broke the rules of the track", true,
                  now);
  track.publisher().abandon_fetches();
  track.publisher().clear();
  release(track);
}

void Subscriptions::peer_left(Peer& peer, session::Time now) {
  // One at a time from what is left: ending a track may take further roles of this peer with it.
  while (!peer.roles.empty()) {
    const auto [request, role] = *peer.roles.begin();
    peer.roles.erase(peer.roles.begin());
    if (const auto* upstream = std::get_if<UpstreamRole>(&role)) {
      Track& track = *upstream->track;
      peer.roles.emplace(request, role);
      drop_upstream(peer, track, request, now);
      if (track.upstreams().empty()) {
        // Without PUBLISH_DONE from the publisher nobody knows whether the track was over.
        end_downstreams(track, moqt::PublishDoneCode::kInternalError, "the publisher was lost", false, now);
        refuse_waiting(track, moqt::RequestErrorCode::kDoesNotExist, "the publisher left");
      }
      release(track);
    } else if (const auto* downstream = std::get_if<DownstreamRole>(&role)) {
      Track& track = *downstream->track;
      peer.roles.emplace(request, role);
      drop_downstream(peer, track, request);
      release(track);
    }
  }
}

void Subscriptions::drop_upstream(Peer& peer, Track& track, session::RequestHandle request, session::Time now) {
  track.remove_upstream(peer, request);
  track.publisher().others_may_go_on = !track.upstreams().empty();  // with what its streams leave behind
  for (auto entry = peer.subgroups.begin(); entry != peer.subgroups.end();) {
    if (entry->second.upstream != request) {
      ++entry;
      continue;
    }
    entry->second.writer.reset(static_cast<std::uint64_t>(moqt::StreamResetCode::kCancelled), now);
    entry = peer.subgroups.erase(entry);
  }
  track.publisher().others_may_go_on = track.upstreams().size() > 1;
  peer.roles.erase(request);
  --counters_.upstream_subscriptions;
}

void Subscriptions::end_downstreams(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon,
                                    session::Time now) {
  track.publisher().end(code, reason, abandon, now);
}

void Subscriptions::add_downstream(Peer& peer, Track& track, session::RequestHandle request) {
  objects::Subscription& subscription = track.publisher().add(peer.session, request, peer);
  peer.roles.insert_or_assign(request, DownstreamRole{&track, &subscription});
  ++counters_.downstream_subscriptions;
}

void Subscriptions::drop_downstream(Peer& peer, Track& track, session::RequestHandle request) {
  std::erase_if(track.waiting(),
                [&](const Track::Waiting& waiting) { return waiting.peer == &peer && waiting.request == request; });
  const auto* role = peer.role<DownstreamRole>(request);
  if (role != nullptr && role->subscription != nullptr) {
    track.publisher().remove(*role->subscription);
    --counters_.downstream_subscriptions;
  }
  peer.roles.erase(request);
}

void Subscriptions::release(Track& track) {
  if (!track.wanted()) {
    for (const Track::Upstream& upstream : std::vector(track.upstreams())) {
      if (upstream.from_publish) continue;
      (void)upstream.peer->session.cancel(upstream.request);
      upstream.peer->outlet.make_ready();
      drop_upstream(*upstream.peer, track, upstream.request, session::Time{});
    }
  }
  tracks_.release(track);
}

// ---- namespaces ----

void Subscriptions::offer_publisher(Peer& publisher, const moqt::TrackNamespace& track_namespace) {  // [d15 §8.5-8]
  tracks_.for_each([&](Track& track) {
    if (track.wanted() && track_namespace.is_prefix_of(track.name().track_namespace)) ask(publisher, track);
  });
}

void Subscriptions::offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer) {
  interest.tracks_from.reset();
  for (auto entry = tracks_.offers().lower_bound(offer); entry != tracks_.offers().end(); ++entry) {
    Track& track = *entry->second;
    const bool published = std::any_of(track.upstreams().begin(), track.upstreams().end(),
                                       [](const Track::Upstream& upstream) { return upstream.from_publish; });
    if (!published || !interest.prefix.is_prefix_of(track.name().track_namespace)) continue;
    if (tell(listener, interest, track)) continue;
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
    drop_downstream(listener, track, request);
    release(track);
  }
}

void Subscriptions::settle(Peer& peer, session::Time now) {
  if (!peer.unsettled) return;
  peer.unsettled = false;
  std::vector<session::RequestHandle> over;
  for (const auto& [request, role] : peer.roles) {
    const auto* downstream = std::get_if<DownstreamRole>(&role);
    if (downstream == nullptr || downstream->subscription == nullptr) continue;
    if (!downstream->subscription->settle(now)) peer.unsettled = true;
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
    drop_downstream(peer, track, request);
    release(track);
  }
}

}  // namespace msquic_py::relay
