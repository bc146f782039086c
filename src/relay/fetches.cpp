#include "relay/fetches.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "relay/answers.h"
#include "relay/loop_guard.h"

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

namespace {

/// A fetch that finds nothing known where it has been filled before gives up: what is fetched does not stay long
/// enough.
constexpr std::size_t kMostAttempts = 3;

}  // namespace

// ---- from clients ----

void Fetches::on_fetch(Peer& peer, const session::FetchReceived& event, session::Time now) {
  if (!peer.session.config().asks_authorization) on_asked(peer);
  serve(peer, event, now, /*located=*/false);
}

void Fetches::serve(Peer& peer, const session::FetchReceived& received, session::Time now, bool located) {
  session::FetchReceived event = received;
  Track* track = tracks_.find(event.track);
  const bool up = peer.upstream == nullptr;
  if (peer.loops(event.track.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, kLoopReason);
    return;
  }
  if (track == nullptr && sources_.all_for(event.track.track_namespace, up).empty()) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
    return;
  }
  if (event.groups_back && (track == nullptr || !(track->largest() || knows_largest(*track)))) {
    count(peer, &RelayCounters::fetch_misses);
    return status_queries_.find_largest(peer, event);
  }
  if (track == nullptr) track = tracks_.find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
  }
  if (event.groups_back) {
    const auto largest = track->largest();
    if (!largest) {  // draft-22 section 3.2
      (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInvalidRange,
                                "nothing of the track has been published");
      return tracks_.release(*track);
    }
    const auto range = peer.session.resolve_fetch(event.request, *largest);
    if (!range.ok()) return tracks_.release(*track);
    event.range = *range;
  }
  if (knows_largest(*track) && (!track->largest() || event.range.start > *track->largest())) {
    // [d15 §9.16.3-3]
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInvalidRange,
                              "nothing of the range has been published");
    tracks_.release(*track);
    return;
  }
  track->publisher().settle(now);
  ClientFetch& fetch = clients_[Key{peer.number, event.request.value}];
  fetch.peer = &peer;
  fetch.track = track;
  fetch.missed = located;
  ++track->fetches;
  if (const auto timeout = event.parameters.fill_timeout()) {
    fetch.fill_timeout = session::milliseconds_said(*timeout);
    fetch.out_of_time = *timeout == 0;
  }
  fetch.delivery = std::make_unique<objects::FetchDelivery>(track->publisher(), peer.session, event, peer, *this, now);
  by_delivery_.emplace(fetch.delivery.get(), &fetch);
  peer.roles.insert_or_assign(event.request, FetchRole{track});
  accept_if_known(*fetch.delivery, *track);
  fetch.delivery->begin();
}

void Fetches::accept_if_known(objects::FetchDelivery& delivery, Track& track) {  // [d15 §8.4-3, §9.17-1]
  objects::TrackStore& store = track.store();
  session::FetchAnswer answer{false, delivery.range().end};
  if (knows_largest(track)) {  // [d15 §9.17]: the relay's own knowledge of the largest object counts
    const moqt::Location largest = *store.largest();
    const objects::StoredGroup* const group = store.find(largest.group);
    answer.end = delivery.range().answered_end(largest, group != nullptr && group->end.has_value());
    delivery.limit(answer.end);
    answer.end_of_track = track.over && !moqt::FetchRange::ends_before(answer.end, {largest.group, largest.object + 1});
  }
  if (store.last())
    answer.end_of_track = !moqt::FetchRange::ends_before(answer.end, {store.last()->group, store.last()->object + 1});
  if (!store.first_unknown(delivery.range().start, answer.end, delivery.time())) delivery.accept(answer);
}

void Fetches::on_cancelled(Peer& peer, const session::FetchCancelled& event) {
  const auto found = clients_.find(Key{peer.number, event.request.value});
  if (found != clients_.end()) found->second.delivery->on_cancelled();
}

// ---- FetchFiller ----

std::vector<Peer*> Fetches::publishers_of(const Track& track, bool up) const {
  std::vector<Peer*> publishers;
  for (const Track::Upstream& upstream : track.upstreams()) {
    if (upstream.state == Track::Upstream::State::kAsked || upstream.peer->leaving) continue;
    if (up || upstream.peer->upstream == nullptr) publishers.push_back(upstream.peer);
  }
  for (Peer* publisher : sources_.all_for(track.name().track_namespace, up)) {
    if (std::find(publishers.begin(), publishers.end(), publisher) == publishers.end()) publishers.push_back(publisher);
  }
  return publishers;
}

bool Fetches::knows_largest(Track& track) const {
  return track.established() || (track.largest() && publishers_of(track).empty());
}

Fetches::ClientFetch* Fetches::client_fetch_of(const objects::FetchDelivery& delivery) {
  const auto found = by_delivery_.find(&delivery);
  return found == by_delivery_.end() ? nullptr : found->second;
}

void Fetches::fill(objects::FetchDelivery& delivery, moqt::Location from) {  // [d15 §9.16.3-1]
  ClientFetch* const fetch = client_fetch_of(delivery);
  if (fetch == nullptr) return;
  if (!fetch->missed) count(*fetch->peer, &RelayCounters::fetch_misses);
  fetch->missed = true;
  if (fetch->out_of_time) return leave_gap(*fetch);
  if (fetch->asked_for != from) fetch->attempts = 0;
  fetch->asked_for = from;
  if (++fetch->attempts > kMostAttempts) {
    delivery.fail(moqt::RequestErrorCode::kInternalError, "the cache is too small for this FETCH");
    return;
  }
  if (!ask(*fetch, missing_at(*fetch, from))) {
    fall_back(*fetch, from, moqt::RequestErrorCode::kDoesNotExist, "no publisher has these objects");
  }
}

moqt::FetchRange Fetches::missing_at(ClientFetch& fetch, moqt::Location from) {
  const objects::FetchDelivery& delivery = *fetch.delivery;
  const moqt::FetchRange wanted = delivery.range();
  const moqt::Location group_end{from.group, from.group == wanted.end.group ? wanted.end.object : 0};
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  objects::TrackStore& store = fetch.track->store();
  // Where the range ends is the publisher's to say when the relay is not subscribed; and what is here but too old, or
  // not whole, has company.
  const bool end_is_known = delivery.accepted() || fetch.track->established();
  if (!end_is_known || store.look(from).kind != objects::TrackStore::Look::Kind::kUnknown) {
    return ascending ? moqt::FetchRange{from, wanted.end} : moqt::FetchRange{wanted.start, group_end};
  }
  // Only what is unknown: of the rest of the range a publisher may have dropped something that is here.
  if (ascending) return {from, store.end_of_unknown(from, wanted.end, delivery.time())};
  const moqt::Location end = store.end_of_unknown(from, group_end, delivery.time());
  if (from.object > 0 || end != group_end) return {from, end};
  const std::uint64_t first = store.first_of_unknown(from.group, wanted.start.group);
  return {first == wanted.start.group ? wanted.start : moqt::Location{first, 0}, end};
}

bool Fetches::ClientFetch::is_unknown_to(std::uint64_t publisher, moqt::Location location) const {
  return std::any_of(unknown_to.begin(), unknown_to.end(),
                     [&](const auto& each) { return each.first == publisher && location <= each.second; });
}

bool Fetches::ask(ClientFetch& fetch, moqt::FetchRange range) {
  Track& track = *fetch.track;
  objects::FetchDelivery& delivery = *fetch.delivery;
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  for (const auto& [number, known] : upstream_) {
    if (known->track != &track || known->order != delivery.order() || !ascending || !known->range.covers(range.start))
      continue;
    if (known->publisher == fetch.peer || fetch.is_unknown_to(known->publisher->number, range.start)) continue;
    if (known->writer.reached() && *known->writer.reached() > range.start) continue;  // it has passed the place
    // It may wait for this one already, when something of the range has come otherwise.
    if (std::find(fetch.asked.begin(), fetch.asked.end(), number) == fetch.asked.end()) {
      known->askers.push_back(&delivery);
      fetch.asked.push_back(number);
    }
    count_time(fetch);
    if (known->accepted) accept(delivery, *known);
    return true;
  }
  for (Peer* publisher : publishers_of(track, fetch.peer->upstream == nullptr)) {
    // A client is not asked for what it asks for itself.
    if (publisher == fetch.peer) continue;
    if (std::find(fetch.refused.begin(), fetch.refused.end(), publisher->number) != fetch.refused.end()) continue;
    if (fetch.is_unknown_to(publisher->number, range.start)) continue;
    moqt::MessageParameters parameters;
    if (!ascending) parameters.set_group_order(moqt::GroupOrder::kDescending);
    // What the publisher's draft has no numbers for, it does not have either.
    if (!can_say(range.start, publisher->session.draft())) continue;
    moqt::Location end = range.closed().end;
    if (!can_say(end, publisher->session.draft())) end.object = 0;
    const auto request = publisher->session.fetch(track.name(), range.start, end, std::move(parameters),
                                                  {.limit = limits_.upstream_answer_timeout});
    if (!request.ok()) continue;
    const std::uint64_t number = next_fetch_++;
    auto made = std::make_unique<UpstreamFetch>(track, *publisher, *request, range, delivery.order());
    made->askers.push_back(&delivery);
    fetch.asked.push_back(number);
    upstream_.emplace(number, std::move(made));
    publisher->roles.insert_or_assign(*request, UpstreamFetchRole{number});
    publisher->make_ready();
    ++track.fetches;
    count(*publisher, &RelayCounters::upstream_fetches);
    count_time(fetch);
    return true;
  }
  return false;
}

bool Fetches::misses_more(const objects::FetchDelivery& delivery, const UpstreamFetch& fetch) {
  const moqt::FetchRange wanted = delivery.range();
  moqt::FetchRange rest{wanted.start, wanted.end};
  if (delivery.order() == moqt::GroupOrder::kAscending) {
    rest.start = fetch.range.end.object == 0 ? moqt::Location{fetch.range.end.group + 1, 0} : fetch.range.end;
  } else if (fetch.range.start.object > 0) {
    rest.end = fetch.range.start;
  } else if (fetch.range.start.group > 0) {
    rest.end = {fetch.range.start.group - 1, 0};
  } else {
    return false;
  }
  return rest.valid() && fetch.track->store().first_unknown(rest.start, rest.end, delivery.time()).has_value();
}

void Fetches::accept(objects::FetchDelivery& delivery, const UpstreamFetch& fetch) {
  if (delivery.accepted()) return;
  const moqt::Location asked = delivery.range().end;
  if (fetch.track->established()) {  // a relay that is subscribed knows the end
    if (!misses_more(delivery, fetch)) delivery.accept({fetch.end_of_track && asked == fetch.range.end, asked});
    return;  // or perhaps nobody has what else is missing
  }
  // The others take the publisher's word, of the one who was asked for the end.
  const bool reaches_end = !moqt::FetchRange::ends_before(fetch.asked_end, asked);
  const bool said_less = moqt::FetchRange::ends_before(fetch.range.end, fetch.asked_end) &&
                         moqt::FetchRange::ends_before(fetch.range.end, asked);
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  if (said_less && (ascending || reaches_end)) {
    delivery.accept({fetch.end_of_track, fetch.range.end});
  } else if (reaches_end || !ascending) {  // downwards, what lies above is here
    delivery.accept({fetch.end_of_track && asked == fetch.range.end, asked});
  }
}

void Fetches::progressed(objects::FetchDelivery& delivery) {
  if (!delivery.waits()) return;
  const ClientFetch* const client = client_fetch_of(delivery);
  if (client == nullptr) return;
  for (const std::uint64_t number : client->asked) {
    UpstreamFetch& fetch = *upstream_.at(number);
    fetch.unread_bytes = 0;  // one of those who ask has everything that came
    read_on(fetch);
  }
}

void Fetches::read_on(UpstreamFetch& fetch) {
  const bool pause = fetch.unread_bytes > limits_.max_fetch_lead;
  if (!fetch.stream || pause == fetch.paused) return;
  fetch.paused = pause;
  if (pause) {
    fetch.publisher->session.pause_stream(*fetch.stream);
  } else {
    fetch.publisher->session.resume_stream(*fetch.stream);
  }
  fetch.publisher->make_ready();
}

void Fetches::ended(objects::FetchDelivery& delivery) {
  ClientFetch* const client = client_fetch_of(delivery);
  if (client == nullptr) return;
  over_.emplace_back(client->peer->number, delivery.request().value);
  if (!client->missed && delivery.accepted()) count(*client->peer, &RelayCounters::fetch_hits);
  stop_counting(*client);
  leave_publishers(*client);
}

void Fetches::leave_publishers(ClientFetch& client) {
  for (const std::uint64_t number : std::exchange(client.asked, {})) {
    UpstreamFetch& fetch = *upstream_.at(number);
    std::erase(fetch.askers, client.delivery.get());
    if (!fetch.askers.empty() || fetch.ending) continue;  // whoever is ending it removes it
    (void)fetch.publisher->session.cancel(fetch.request);
    fetch.publisher->make_ready();
    remove(number);
  }
}

void Fetches::settle() {
  for (const Key& key : std::exchange(over_, {})) {
    const auto found = clients_.find(key);
    if (found == clients_.end()) continue;
    Track& track = *found->second.track;
    found->second.peer->roles.erase(session::RequestHandle{key.second});
    by_delivery_.erase(found->second.delivery.get());
    clients_.erase(found);
    --track.fetches;
    tracks_.release(track);
  }
}

}  // namespace msquic_py::relay
