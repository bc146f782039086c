#include "relay/supply.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::relay {

namespace session = moqt::session;
using State = Track::Upstream::State;

namespace {

/// Where a subscription begins that wants what comes behind the largest object.
moqt::Location behind(std::optional<moqt::Location> largest) noexcept {
  return largest ? moqt::Location{largest->group, largest->object + 1} : moqt::Location{};
}

/// Whether one that refuses so may have the track a little later.
bool may_change(moqt::RequestErrorCode code) noexcept {
  using Code = moqt::RequestErrorCode;
  return code == Code::kDoesNotExist || code == Code::kTimeout || code == Code::kInternalError;
}

}  // namespace

// ---- asking ----

bool Supply::may_ask(const Peer& peer, Track& track) const {
  if (peer.leaving || track.has_upstream_at(peer)) return false;
  // A relay that wants the track from here does not have it.
  if (peer.upstream == nullptr && peer.is_relay() && peer.wants(track)) return false;
  const auto& search = track.searching();
  return !search || std::find(search->refused.begin(), search->refused.end(), peer.number) == search->refused.end();
}

bool Supply::ask(Peer& publisher, Track& track) {
  moqt::MessageParameters parameters;
  parameters.set_forward(true);  // [d15 §7.3-2, §8.2-1, §8.5-4, §8.5-6]
  // [d15 §8.4]: one filter for every subscriber. It keeps out what a publisher has begun with before it answers, which
  // is for those who ask without a filter.
  const bool unfiltered = std::any_of(track.waiting().begin(), track.waiting().end(),
                                      [](const Track::Waiting& each) { return each.unfiltered; });
  if (!unfiltered) parameters.set_filter(moqt::SubscriptionFilter::largest_object());
  if (track.wanted_new_group()) parameters.set_new_group_request(*track.wanted_new_group());  // [d15 §9.2.1.12-3]
  const auto limit = limits_.upstream_answer_timeout + limits_.rendezvous_timeout;
  auto request = publisher.session.subscribe(track.name(), std::move(parameters), {.limit = limit});
  if (!request) {
    if (request.error() == session::SessionError::kTooManyRequests) {
      publisher.unasked = true;
      track.search().code = moqt::RequestErrorCode::kInternalError;
      track.search().reason = "too many requests wait for the publisher's credit";
    }
    return false;
  }
  if (track.wanted_new_group()) track.note_new_group_request(*track.wanted_new_group());
  publisher.roles.insert_or_assign(*request, UpstreamRole{&track});
  track.add_upstream({&publisher, *request, State::kAsked, false});
  ++counters_.upstream_subscriptions;
  publisher.outlet.make_ready();
  return true;
}

bool Supply::wake_offers(Track& track, bool of_upstreams) {
  bool woken = false;
  for (const Track::Upstream& each : track.upstreams()) {
    if (each.state != State::kPaused || (each.peer->upstream != nullptr) != of_upstreams) continue;
    Peer& peer = *each.peer;
    moqt::MessageParameters parameters;
    parameters.set_forward(true);
    const auto update =
        peer.session.update(each.request, std::move(parameters), {.limit = limits_.upstream_answer_timeout});
    if (!update.ok()) continue;
    track.upstream(peer, each.request)->state = State::kAsked;
    peer.roles.insert_or_assign(*update, WakeRole{&track, each.request});
    peer.outlet.make_ready();
    woken = true;
  }
  return woken;
}

bool Supply::ask_publishers(Track& track) {  // [d15 §8.5-2, §8.5-5]
  bool asked = wake_offers(track, /*of_upstreams=*/false);
  for (Peer* publisher : sources_.clients_for(track.name().track_namespace)) {
    if (may_ask(*publisher, track)) asked = ask(*publisher, track) || asked;
  }
  return asked;
}

bool Supply::ask_upstream(Track& track) {
  if (!track.wanted_here()) return false;  // what comes from above is not asked for above again
  const std::vector<Peer*> upstreams = sources_.upstreams_for(track.name().track_namespace);
  for (Peer* upstream : upstreams) {
    // It has the track from here, or hopes to, and would bring it back.
    if (upstream->wants(track)) demand_.turn_away(track, *upstream);
  }
  if (wake_offers(track, /*of_upstreams=*/true)) return true;
  return std::any_of(upstreams.begin(), upstreams.end(),
                     [&](Peer* upstream) { return may_ask(*upstream, track) && ask(*upstream, track); });
}

void Supply::seek(Track& track) {
  if (track.established() || track.asking()) return;
  if (ask_publishers(track) || ask_upstream(track)) return tracks_.set_alarm(track, std::nullopt);
  wait_or_give_up(track);
}

std::chrono::milliseconds Supply::patience(const Track& track, bool subscribed) const {
  const bool here = track.wanted_here();
  if (track.lost && track.lost_upstream && here) {
    return std::max(limits_.upstream_loss_timeout, limits_.rendezvous_timeout);
  }
  const auto& search = track.searching();
  const bool final = search && !search->refused.empty() && !may_change(search->code);
  if (final && !subscribed) return std::chrono::milliseconds::zero();
  // While an upstream is being dialled nobody knows.
  const bool expected = !subscribed && here && sources_.expected_for(track.name().track_namespace);
  return expected ? std::max(limits_.upstream_answer_timeout, limits_.rendezvous_timeout) : limits_.rendezvous_timeout;
}

void Supply::wait_or_give_up(Track& track) {
  if (track.lost && now_ >= *track.lost + patience(track, true)) return give_up(track);
  const auto wait = patience(track, false);
  const std::size_t waited = track.waiting().size();
  const Track::Search& search = track.search();
  demand_.unsupplied(track, search.code, std::string(search.reason), now_ - wait);
  const bool waits = !track.waiting().empty() || !track.waking.empty();
  if (!track.wanted() || (!waits && !track.lost)) return release(track);
  std::optional<session::Time> due;
  const auto sooner = [&](session::Time time) { due = due ? std::min(*due, time) : time; };
  if (track.lost) sooner(*track.lost + patience(track, true));
  for (const Track::Waiting& waiting : track.waiting()) sooner(waiting.since + std::max(wait, waiting.rendezvous));
  for (const Track::Waking& waking : track.waking) sooner(waking.since + wait);
  if (waited > 0 && !track.alarm) counters_.subscriptions_held += track.waiting().size();
  if (!track.search().refused.empty() || !sources_.all_for(track.name().track_namespace, true).empty()) {
    if (!track.search().retry) track.search().retry = now_ + track.search().backoff.next();
    sooner(*track.search().retry);
  }
  tracks_.set_alarm(track, due);
}

void Supply::give_up(Track& track) {
  const Track::Search& search = track.search();
  demand_.unsupplied(track, search.code, std::string(search.reason), std::nullopt);
  end(track, moqt::PublishDoneCode::kInternalError, "the publisher was lost", /*abandon=*/false);
  release(track);
}

void Supply::on_alarm(Track& track) {
  if (track.searching() && track.searching()->retry && *track.searching()->retry <= now_) {
    track.search().retry.reset();
    track.search().refused.clear();
  }
  if (track.wanted() && !track.established()) return seek(track);
  release(track);
}

// ---- answers ----

bool Supply::on_publish(Peer& peer, Track& track, const session::PublishReceived& event) {
  // One that does not send before it is asked is not asked before somebody wants it.
  const bool lazy = !event.parameters.forward().value_or(true);
  const bool paused = lazy && !(track.demanded() && (peer.upstream == nullptr || track.wanted_here()));
  moqt::MessageParameters parameters;
  parameters.set_forward(!paused);
  // [d15 §8.5-9, §8.5-10]
  if (!peer.session.accept(event.request, std::move(parameters))) return false;  // withdrawn meanwhile
  Track::Upstream& offer = track.add_upstream({&peer, event.request, State::kPaused, true, lazy});
  ++counters_.upstream_subscriptions;
  peer.roles.insert_or_assign(event.request, UpstreamRole{&track, behind(event.parameters.largest_object())});
  if (paused) {
    if (!track.established()) track.learn_offered(event.parameters);
    return true;
  }
  offer.state = State::kAsked;
  on_accepted(peer, track, event.request, event.parameters);
  return true;
}

void Supply::on_accepted(Peer& peer, Track& track, session::RequestHandle subscription,
                         const moqt::MessageParameters& parameters) {
  Track::Upstream* const upstream = track.upstream(peer, subscription);
  if (upstream == nullptr || upstream->state == State::kLive) return;
  const bool sole = !track.established();
  const bool woken = upstream->lazy && track.largest() && !track.lost;
  const bool may_lag = track.may_lag(peer);
  upstream->state = State::kLive;
  track.over = false;
  const auto said = parameters.largest_object();
  peer.roles.insert_or_assign(subscription, UpstreamRole{&track, behind(said)});
  if (sole && track.lost) {
    const moqt::Location from = track.store().first_missing(track.start);
    const bool same = track.learn_on(parameters, may_lag);
    track.lost.reset();
    ++counters_.publishers_replaced;
    track.publisher().takeover_timeout = limits_.takeover_timeout;
    track.publisher().wait_for_writers(now_);
    if (same && said && from <= *said) {
      backfills_.begin(peer, track, moqt::FetchRange::up_to(from, *said), now_);
    } else {
      backfills_.abandon(track, /*keep_holding=*/false, now_);
    }
  } else if (sole && woken) {
    (void)track.learn_on(parameters, false);
    track.start = behind(said ? said : track.largest());
  } else {
    track.learn(parameters, sole, track.upstreams().size() > 1 || upstream->beside);
    if (sole) track.start = behind(said);
  }
  track.end_search();
  tracks_.set_alarm(track, std::nullopt);
  demand_.supplied(track);
  request_new_group(track, track.take_wanted_new_group());
  release(track);  // whoever wanted it may have gone meanwhile
}

void Supply::on_changed(Peer& peer, const session::SubscriptionChanged& event) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  Track::Upstream& upstream = *track.upstream(peer, event.subscription);
  const auto forward = event.parameters.forward();
  if (forward == false && upstream.state == State::kLive) {
    if (track.demanded()) {  // somebody here is not paused, so this may not be (draft-22 section 7.2)
      moqt::MessageParameters parameters;
      parameters.set_forward(true);
      (void)peer.session.update(event.subscription, std::move(parameters), {.limit = limits_.upstream_answer_timeout});
    } else {
      upstream.state = State::kPaused;
      upstream.lazy = true;
    }
  } else if (forward == true && upstream.state == State::kPaused) {
    return on_accepted(peer, track, event.subscription, event.parameters);
  }
  const auto largest = event.parameters.largest_object();
  if (!largest || !track.learn_largest(*largest)) return;
  moqt::MessageParameters said;
  said.set_largest_object(*largest);
  track.publisher().for_each([&](moqt::objects::Subscription& each) { (void)each.notify_state(said); });
}

void Supply::on_first_object(Peer& peer, Track& track, moqt::Location location) {
  const moqt::Location from = track.store().first_missing(track.start);
  if (!track.prove(location, track.may_lag(peer)) || from >= location) return;
  const moqt::Location end = location.object > 0 ? location : moqt::Location{location.group - 1, 0};
  backfills_.begin(peer, track, {from, end}, now_);
}

void Supply::on_rejected(Peer& peer, Track& track, const session::RequestRejected& event) {
  const auto* woken = peer.role<WakeRole>(event.request);
  const session::RequestHandle subscription = woken == nullptr ? event.request : woken->offer;
  peer.roles.erase(event.request);
  if (woken != nullptr) (void)peer.session.cancel(subscription);
  drop(peer, track, subscription);
  Track::Search& search = track.search();
  search.refused.push_back(peer.number);
  search.code = static_cast<moqt::RequestErrorCode>(event.code);
  search.reason = event.reason;
  if (!track.upstreams().empty() && (track.established() || track.asking())) return;
  if (!track.wanted()) return release(track);
  // Perhaps the track has ended meanwhile: then nobody brings it, and what the upstream keeps of it says so.
  const bool may_have_ended = search.code == moqt::RequestErrorCode::kDoesNotExist && peer.upstream != nullptr;
  if (may_have_ended && track.lost && track.publisher().subscribers() > 0) backfills_.begin_rest(peer, track, now_);
  seek(track);
}

void Supply::renew(Peer& peer, session::RequestHandle upstream) {
  if (peer.role<UpstreamRole>(upstream) == nullptr) return;
  (void)peer.session.update(upstream, {}, {.limit = limits_.upstream_answer_timeout});
}

void Supply::request_new_group(Track& track, std::optional<std::uint64_t> value) {  // [d15 §9.2.1.12-4]
  if (!value || !track.needs_new_group(*value)) return;
  bool asked = false;
  for (const Track::Upstream& upstream : track.upstreams()) {
    if (upstream.state != State::kLive) continue;
    moqt::MessageParameters parameters;
    parameters.set_new_group_request(*value);
    asked |= upstream.peer->session
                 .update(upstream.request, std::move(parameters), {.limit = limits_.upstream_answer_timeout})
                 .ok();
    upstream.peer->outlet.make_ready();
  }
  if (asked) {
    track.note_new_group_request(*value);
  } else {
    track.want_new_group(*value);  // goes out when a publisher has been asked for the track, or an offer is woken
  }
}

}  // namespace msquic_py::relay
