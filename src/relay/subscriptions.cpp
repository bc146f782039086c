#include "relay/subscriptions.h"

#include <algorithm>
#include <utility>

namespace msquic_py::relay {

namespace session = moqt::session;

const Track* Subscriptions::find(const moqt::FullTrackName& name) const {
  const auto found = tracks_.find(name);
  return found == tracks_.end() ? nullptr : found->second.get();
}

Track* Subscriptions::find_or_create(const moqt::FullTrackName& name) {
  if (const auto found = tracks_.find(name); found != tracks_.end()) return found->second.get();
  if (tracks_.size() >= limits_.max_tracks) return nullptr;
  counters_.tracks = tracks_.size() + 1;
  return tracks_.emplace(name, std::make_unique<Track>(name)).first->second.get();
}

// ---- requests of a peer ----

void Subscriptions::on_subscribe(Peer& peer, const session::SubscribeReceived& event) {
  Track* track = find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError, "the relay has too many tracks");
    return;
  }
  const Track::Waiting waiting{&peer, event.request, event.parameters.filter()};
  const auto new_group = event.parameters.new_group_request();
  peer.roles.insert_or_assign(event.request, DownstreamRole{track});
  if (track->established()) {
    answer(*track, waiting);
    request_new_group(*track, new_group);
    return;
  }
  track->waiting().push_back(waiting);
  if (new_group) track->want_new_group(*new_group);
  if (!track->upstreams().empty()) return;  // asked already; the new group is asked for when they have answered
  bool publishers_are_busy = false;
  for (Peer* publisher : namespaces_.publishers_for(event.track.track_namespace)) {
    publishers_are_busy |= !ask(*publisher, *track) && publisher->unasked;
  }
  if (!track->upstreams().empty()) return;
  if (publishers_are_busy) {
    refuse_waiting(*track, moqt::RequestErrorCode::kInternalError, "too many requests wait for the publisher's credit");
  } else {
    refuse_waiting(*track, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
  }
  release(*track);
}

bool Subscriptions::ask(Peer& publisher, Track& track) {
  if (track.has_upstream_at(publisher)) return false;
  moqt::MessageParameters parameters;
  parameters.set_forward(true);                                       // section 8.2
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());  // section 8.4: one filter for every subscriber
  if (track.wanted_new_group()) parameters.set_new_group_request(*track.wanted_new_group());
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
    track.add_downstream(*waiting.peer, waiting.request);
    ++counters_.downstream_subscriptions;
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

void Subscriptions::on_publish(Peer& peer, const session::PublishReceived& event) {
  Track* track = find_or_create(event.track);
  moqt::MessageParameters parameters;
  parameters.set_forward(true);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError, "the relay has too many tracks");
    return;
  }
  if (!peer.session.accept(event.request, std::move(parameters))) return release(*track);  // withdrawn meanwhile
  track->learn(event.parameters);
  track->add_upstream({&peer, event.request, true, true});
  ++counters_.upstream_subscriptions;
  peer.roles.insert_or_assign(event.request, UpstreamRole{track});
  answer_waiting(*track);
  request_new_group(*track, track->take_wanted_new_group());
  offers_.erase(track->offer);
  track->offer = next_offer_++;
  offers_.emplace(track->offer, track);
  for (Peer* listener : namespaces_.interested_in(event.track.track_namespace)) {
    NamespaceInterest* interest = listener->interest_in(event.track.track_namespace);
    if (interest == nullptr || interest->tracks_from) continue;  // what waits goes first, in order
    if (!tell(*listener, *interest, *track)) interest->tracks_from = track->offer;
  }
}

bool Subscriptions::tell(Peer& listener, const NamespaceInterest& interest, Track& track) {
  if (track.has_downstream_at(listener)) return true;
  moqt::MessageParameters parameters = track.description();
  if (!interest.forward) parameters.set_forward(false);
  const auto request =
      listener.session.publish(track.name(), std::move(parameters), {.since = session::Patience::Since::kSent});
  if (!request) return request.error() != session::SessionError::kTooManyRequests;
  listener.roles.insert_or_assign(*request, DownstreamRole{&track});
  track.add_downstream(listener, *request);
  ++counters_.downstream_subscriptions;
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

void Subscriptions::request_new_group(Track& track, std::optional<std::uint64_t> value) {
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

void Subscriptions::on_stream_stopped(Peer& peer, const session::OutgoingStreamStopped& event) {
  const auto* role = peer.role<DownstreamRole>(event.subscription);
  const Downstream* downstream = role == nullptr ? nullptr : role->track->downstream(peer, event.subscription);
  if (downstream == nullptr) return;
  for (const Track::Upstream& upstream : role->track->upstreams()) {
    for (auto& [stream, forwarder] : upstream.peer->subgroups) {
      if (&forwarder.track() == role->track) forwarder.on_stream_stopped(*downstream, event);
    }
  }
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
  upstream->established = true;
  track.learn(event.parameters);
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
  if (track.upstreams().empty()) refuse_waiting(track, static_cast<moqt::RequestErrorCode>(event.code), event.reason);
  release(track);
}

void Subscriptions::on_downstream_rejected(Peer& peer, Track& track, session::RequestHandle request) {
  drop_downstream(peer, track, request);
  release(track);
}

void Subscriptions::on_done(Peer& peer, const session::SubscriptionDone& event, session::Time now) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  drop_upstream(peer, track, event.subscription, now);
  if (track.upstreams().empty()) {
    // How this hop's subscription ended is passed on only where it says something about the track itself.
    const auto code = static_cast<moqt::PublishDoneCode>(event.code);
    const bool of_this_hop =
        code == moqt::PublishDoneCode::kUpdateFailed || code == moqt::PublishDoneCode::kTooFarBehind ||
        code == moqt::PublishDoneCode::kUnauthorized || code == moqt::PublishDoneCode::kGoingAway ||
        event.code > static_cast<std::uint64_t>(moqt::PublishDoneCode::kUpdateFailed);
    end_downstreams(track, of_this_hop ? moqt::PublishDoneCode::kInternalError : code, event.reason, false);
  }
  release(track);
}

void Subscriptions::on_malformed(Peer& peer, const session::TrackMalformed& event, session::Time now) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  ++counters_.malformed_tracks;
  drop_upstream(peer, track, event.subscription, now);
  end_downstreams(track, moqt::PublishDoneCode::kMalformedTrack, "the publisher broke the rules of the track", true);
  release(track);
}

void Subscriptions::peer_left(Peer& peer, session::Time now) {
  // One at a time from what is left: ending a track may take further roles of this peer with it.
  while (!peer.roles.empty()) {
    const auto [request, role] = *peer.roles.begin();
    peer.roles.erase(peer.roles.begin());
    if (const auto* upstream = std::get_if<UpstreamRole>(&role)) {
      Track& track = *upstream->track;
      drop_upstream(peer, track, request, now);
      if (track.upstreams().empty()) {
        // Without PUBLISH_DONE from the publisher nobody knows whether the track was over.
        end_downstreams(track, moqt::PublishDoneCode::kInternalError, "the publisher was lost", false);
        refuse_waiting(track, moqt::RequestErrorCode::kDoesNotExist, "the publisher left");
      }
      release(track);
    } else if (const auto* downstream = std::get_if<DownstreamRole>(&role)) {
      Track& track = *downstream->track;
      drop_downstream(peer, track, request);
      release(track);
    }
  }
}

void Subscriptions::drop_upstream(Peer& peer, Track& track, session::RequestHandle request, session::Time now) {
  for (auto entry = peer.subgroups.begin(); entry != peer.subgroups.end();) {
    if (entry->second.upstream() != request) {
      ++entry;
      continue;
    }
    entry->second.end(false, static_cast<std::uint64_t>(moqt::StreamResetCode::kCancelled), now);
    entry = peer.subgroups.erase(entry);
  }
  track.remove_upstream(peer, request);
  peer.roles.erase(request);
  --counters_.upstream_subscriptions;
}

void Subscriptions::end_downstreams(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon) {
  for (const auto& downstream : track.downstreams()) {
    if (downstream) downstream->end(code, reason, abandon);
  }
  sweep_ended(track);
}

void Subscriptions::sweep_ended(Track& track) {
  for (std::size_t slot = 0; slot < track.downstreams().size(); ++slot) {
    const Downstream* downstream = track.downstreams()[slot].get();
    if (downstream != nullptr && downstream->ended()) drop_downstream(downstream->peer(), track, downstream->request());
  }
}

void Subscriptions::drop_downstream(Peer& peer, Track& track, session::RequestHandle request) {
  peer.roles.erase(request);
  std::erase_if(track.waiting(),
                [&](const Track::Waiting& waiting) { return waiting.peer == &peer && waiting.request == request; });
  const std::size_t before = track.subscriber_count();
  track.remove_downstream(peer, request);
  counters_.downstream_subscriptions -= before - track.subscriber_count();
}

void Subscriptions::release(Track& track) {
  if (track.subscriber_count() == 0 && track.waiting().empty()) {
    for (const Track::Upstream& upstream : std::vector(track.upstreams())) {
      if (upstream.from_publish) continue;
      (void)upstream.peer->session.cancel(upstream.request);
      upstream.peer->outlet.make_ready();
      drop_upstream(*upstream.peer, track, upstream.request, session::Time{});
    }
  }
  if (!track.unused()) return;
  offers_.erase(track.offer);
  tracks_.erase(moqt::FullTrackName(track.name()));  // a copy: the key must outlive the track
  counters_.tracks = tracks_.size();
}

// ---- objects ----

void Subscriptions::on_subgroup(Peer& peer, const session::SubgroupOpened& event) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role != nullptr) peer.subgroups.insert_or_assign(event.stream, SubgroupForwarder(*role->track, event));
}

void Subscriptions::on_object(Peer& peer, const session::ObjectReceived& event, session::Time now) {
  const auto found = peer.subgroups.find(event.stream);
  if (found == peer.subgroups.end()) return;
  const std::uint64_t given_up_before = counters_.subscribers_too_far_behind;
  found->second.object(event, limits_, counters_, now);
  if (counters_.subscribers_too_far_behind == given_up_before) return;
  if (const auto* role = peer.role<UpstreamRole>(event.subscription)) {
    Track& track = *role->track;
    sweep_ended(track);
    release(track);
  }
}

void Subscriptions::on_payload(Peer& peer, const session::ObjectPayload& event) {
  const auto found = peer.subgroups.find(event.stream);
  if (found != peer.subgroups.end()) found->second.payload(event, counters_);
}

void Subscriptions::on_subgroup_end(Peer& peer, const session::SubgroupEnded& event, session::Time now) {
  const auto found = peer.subgroups.find(event.stream);
  if (found == peer.subgroups.end()) return;
  found->second.end(event.finished, event.reset_code, now);
  peer.subgroups.erase(found);
}

void Subscriptions::on_datagram(Peer& peer, const session::DatagramReceived& event) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  ++counters_.objects_received;
  counters_.bytes_received += event.after_alias.size();
  if (!track.admit_datagram(event.location)) {
    ++counters_.duplicates_dropped;
    return;
  }
  const session::DatagramProperties properties{event.type, event.location, event.publisher_priority};
  for (const auto& downstream : track.downstreams()) {
    if (!downstream || !downstream->admits(event.location, limits_, counters_)) continue;
    if (downstream->peer().session.send_datagram(downstream->request(), properties, event.after_alias)) {
      ++counters_.objects_delivered;
      counters_.bytes_delivered += event.after_alias.size();
      downstream->note_sent(event.after_alias.size());
      downstream->peer().outlet.make_ready();
    }
  }
}

// ---- namespaces ----

void Subscriptions::offer_publisher(Peer& publisher, const moqt::TrackNamespace& track_namespace) {
  for (const auto& [name, track] : tracks_) {
    const bool wanted = track->subscriber_count() > 0 || !track->waiting().empty();
    if (wanted && track_namespace.is_prefix_of(name.track_namespace)) ask(publisher, *track);
  }
}

void Subscriptions::offer_tracks(Peer& listener, NamespaceInterest& interest, std::uint64_t offer) {
  interest.tracks_from.reset();
  for (auto entry = offers_.lower_bound(offer); entry != offers_.end(); ++entry) {
    Track& track = *entry->second;
    const bool published = std::any_of(track.upstreams().begin(), track.upstreams().end(),
                                       [](const Track::Upstream& upstream) { return upstream.from_publish; });
    if (!published || !interest.prefix.is_prefix_of(track.name().track_namespace)) continue;
    if (tell(listener, interest, track)) continue;
    interest.tracks_from = entry->first;
    return;
  }
}

void Subscriptions::settle(Peer& peer, session::Time now) {
  if (!peer.has_retired_streams) return;
  peer.has_retired_streams = false;
  for (const auto& [request, role] : peer.roles) {
    if (const auto* downstream_role = std::get_if<DownstreamRole>(&role)) {
      Downstream* downstream = downstream_role->track->downstream(peer, request);
      if (downstream != nullptr && !downstream->settle(now, limits_)) peer.has_retired_streams = true;
    }
  }
}

}  // namespace msquic_py::relay
