#include "relay/fetches.h"

#include <algorithm>

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

namespace {

/// A fetch that finds nothing known where it has been filled before gives up: what is fetched does not stay long
/// enough.
constexpr std::size_t kMostAttempts = 3;

bool ends_before(moqt::Location left, moqt::Location right) {
  return moqt::FetchRange{{}, left}.last() < moqt::FetchRange{{}, right}.last();
}

}  // namespace

// ---- from clients ----

void Fetches::on_fetch(Peer& peer, const session::FetchReceived& event, session::Time now) {
  ++counters_.fetches;
  Track* track = tracks_.find(event.track);
  if (track == nullptr && namespaces_.publishers_for(event.track.track_namespace).empty()) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
    return;
  }
  if (track == nullptr) track = tracks_.find_or_create(event.track);
  if (track == nullptr) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "the relay has too many tracks, or no memory left");
    return;
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
  ++track->fetches;
  fetch.delivery = std::make_unique<objects::FetchDelivery>(track->publisher(), peer.session, event, peer, *this, now);
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
  }
  if (store.last()) answer.end_of_track = !ends_before(answer.end, {store.last()->group, store.last()->object + 1});
  if (!store.first_unknown(delivery.range().start, answer.end, delivery.time())) delivery.accept(answer);
}

void Fetches::on_cancelled(Peer& peer, const session::FetchCancelled& event) {
  const auto found = clients_.find(Key{peer.number, event.request.value});
  if (found != clients_.end()) found->second.delivery->on_cancelled();
}

// ---- FetchFiller ----

std::vector<Peer*> Fetches::publishers_of(const Track& track) const {
  std::vector<Peer*> publishers;
  for (const Track::Upstream& upstream : track.upstreams()) {
    if (upstream.established) publishers.push_back(upstream.peer);
  }
  for (Peer* publisher : namespaces_.publishers_for(track.name().track_namespace)) {
    if (std::find(publishers.begin(), publishers.end(), publisher) == publishers.end()) publishers.push_back(publisher);
  }
  return publishers;
}

bool Fetches::knows_largest(Track& track) const {
  return track.established() || (track.largest() && publishers_of(track).empty());
}

Fetches::ClientFetch* Fetches::client_fetch_of(const objects::FetchDelivery& delivery) {
  for (auto& [key, fetch] : clients_) {
    if (fetch.delivery.get() == &delivery) return &fetch;
  }
  return nullptr;
}

void Fetches::fill(objects::FetchDelivery& delivery, moqt::Location from) {  // [d15 §9.16.3-1]
  ClientFetch* const fetch = client_fetch_of(delivery);
  if (fetch == nullptr) return;
  if (!fetch->missed) ++counters_.fetch_misses;
  fetch->missed = true;
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

bool Fetches::ask(ClientFetch& fetch, moqt::FetchRange range) {
  Track& track = *fetch.track;
  objects::FetchDelivery& delivery = *fetch.delivery;
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  for (const auto& [number, known] : upstream_) {
    if (known->track != &track || known->order != delivery.order() || !ascending || !known->range.covers(range.start))
      continue;
    if (known->publisher == fetch.peer) continue;
    if (known->writer.reached() && *known->writer.reached() > range.start) continue;  // it has passed the place
    known->askers.push_back(&delivery);
    if (known->accepted) accept(delivery, *known);
    return true;
  }
  for (Peer* publisher : publishers_of(track)) {
    // A client is not asked for what it asks for itself.
    if (publisher == fetch.peer) continue;
    if (std::find(fetch.refused.begin(), fetch.refused.end(), publisher) != fetch.refused.end()) continue;
    moqt::MessageParameters parameters;
    if (!ascending) parameters.set_group_order(moqt::GroupOrder::kDescending);
    const auto request = publisher->session.fetch(track.name(), range.start, range.end, std::move(parameters),
                                                  {.limit = limits_.upstream_answer_timeout});
    if (!request.ok()) continue;
    const std::uint64_t number = next_fetch_++;
    auto made = std::make_unique<UpstreamFetch>(track, *publisher, *request, range, delivery.order());
    made->askers.push_back(&delivery);
    upstream_.emplace(number, std::move(made));
    publisher->roles.insert_or_assign(*request, UpstreamFetchRole{number});
    publisher->make_ready();
    ++track.fetches;
    ++counters_.upstream_fetches;
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
  const bool reaches_end = !ends_before(fetch.asked_end, asked);
  const bool said_less = ends_before(fetch.range.end, fetch.asked_end) && ends_before(fetch.range.end, asked);
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  if (said_less && (ascending || reaches_end)) {
    delivery.accept({fetch.end_of_track, fetch.range.end});
  } else if (reaches_end || !ascending) {  // downwards, what lies above is here
    delivery.accept({fetch.end_of_track && asked == fetch.range.end, asked});
  }
}

void Fetches::progressed(objects::FetchDelivery& delivery) {
  if (!delivery.waits()) return;
  for (const auto& [number, fetch] : upstream_) {
    if (std::find(fetch->askers.begin(), fetch->askers.end(), &delivery) == fetch->askers.end()) continue;
    fetch->unread_bytes = 0;  // one of those who ask has everything that came
    read_on(*fetch);
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
  if (const ClientFetch* fetch = client_fetch_of(delivery)) {
    over_.emplace_back(fetch->peer->number, delivery.request().value);
    if (!fetch->missed) ++counters_.fetch_hits;
  }
  std::vector<std::uint64_t> unwanted;
  for (const auto& [number, fetch] : upstream_) {
    std::erase(fetch->askers, &delivery);
    if (fetch->askers.empty()) unwanted.push_back(number);
  }
  for (const std::uint64_t number : unwanted) {
    UpstreamFetch& fetch = *upstream_.at(number);
    if (fetch.ending) continue;  // whoever is ending it removes it
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
    clients_.erase(found);
    --track.fetches;
    tracks_.release(track);
  }
}

// ---- from publishers ----

UpstreamFetch* Fetches::upstream_of(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<UpstreamFetchRole>(request);
  const auto found = role == nullptr ? upstream_.end() : upstream_.find(role->fetch);
  return found == upstream_.end() ? nullptr : found->second.get();
}

void Fetches::on_accepted(std::uint64_t number, const session::FetchAccepted& event) {
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  fetch.accepted = true;
  fetch.end_of_track = event.end_of_track;
  if (ends_before(event.end, fetch.range.end)) fetch.range.end = event.end;
  for (objects::FetchDelivery* asker : std::vector(fetch.askers)) accept(*asker, fetch);
}

void Fetches::on_rejected(Peer& peer, std::uint64_t number, const session::RequestRejected& event) {
  peer.roles.erase(event.request);
  give_up(number, static_cast<moqt::RequestErrorCode>(event.code), event.reason);
}

void Fetches::on_object(Peer& peer, const session::FetchObjectReceived& event, session::Time now) {
  UpstreamFetch* const fetch = upstream_of(peer, event.fetch);
  if (fetch == nullptr) return;
  fetch->stream = event.stream;
  fetch->unread_bytes += event.payload.size() + event.extensions.size();
  ++counters_.objects_fetched;
  if (fetch->writer.object(event, now)) {
    (void)peer.session.cancel(event.fetch);
    return on_malformed(peer, event.fetch, now);
  }
  read_on(*fetch);
}

void Fetches::on_payload(Peer& peer, const session::ObjectPayload& event, session::Time now) {
  UpstreamFetch* const fetch = upstream_of(peer, event.subscription);
  if (fetch == nullptr) return;
  fetch->unread_bytes += event.bytes.size();
  if (fetch->writer.payload(event.bytes, now)) {
    (void)peer.session.cancel(event.subscription);
    return on_malformed(peer, event.subscription, now);
  }
  read_on(*fetch);
}

void Fetches::on_ended(Peer& peer, const session::FetchEnded& event, session::Time now) {
  const auto* role = peer.role<UpstreamFetchRole>(event.fetch);
  if (role == nullptr) return;
  const std::uint64_t number = role->fetch;
  peer.roles.erase(event.fetch);
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  objects::TrackStore& store = fetch.track->store();
  if (!event.finished) {
    const auto reached = fetch.writer.reached();
    if (reached && fetch.order == moqt::GroupOrder::kAscending && *reached > fetch.range.start)
      store.set_known(fetch.range.start, *reached, now);
    return give_up(number, moqt::RequestErrorCode::kInternalError, "the publisher broke the FETCH off");
  }
  store.set_known(fetch.range.start, fetch.range.end, now);
  if (fetch.end_of_track && fetch.range.end.object > 0)
    store.set_last({fetch.range.end.group, fetch.range.end.object - 1});
  fetch.ending = true;
  for (objects::FetchDelivery* asker : std::exchange(fetch.askers, {})) asker->retry();
  remove(number);
}

void Fetches::on_malformed(Peer& peer, session::RequestHandle request, session::Time now) {
  const auto* role = peer.role<UpstreamFetchRole>(request);
  if (role == nullptr) return;
  const std::uint64_t number = role->fetch;
  peer.roles.erase(request);
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  Track& track = *fetch.track;
  fetch.ending = true;
  for (objects::FetchDelivery* asker : std::exchange(fetch.askers, {}))
    asker->fail(moqt::RequestErrorCode::kMalformedTrack, "the publisher broke the rules of the track");
  remove(number);
  subscriptions_.end_malformed(peer, track, now);
}

void Fetches::give_up(std::uint64_t number, moqt::RequestErrorCode code, std::string_view reason) {
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  fetch.ending = true;
  Peer* const publisher = fetch.publisher;
  const auto askers = std::exchange(fetch.askers, {});
  remove(number);
  for (objects::FetchDelivery* asker : askers) {
    ClientFetch* const client = asker->ended() ? nullptr : client_fetch_of(*asker);
    if (client == nullptr) continue;
    client->refused.push_back(publisher);
    const moqt::Location from = asker->missing().value_or(asker->position());
    if (!ask(*client, missing_at(*client, from))) fall_back(*client, from, code, reason);
  }
}

void Fetches::fall_back(ClientFetch& fetch, moqt::Location from, moqt::RequestErrorCode code, std::string_view reason) {
  // Not every publisher answers FETCH. Groups that came whole, as far as anybody here can see, are served all the same.
  objects::FetchDelivery& delivery = *fetch.delivery;
  objects::TrackStore& store = fetch.track->store();
  const moqt::FetchRange range = delivery.range();
  if (knows_largest(*fetch.track)) store.assume_ended(range.start, range.end);
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  if (store.first_unknown(ascending ? from : range.start, range.end, delivery.time()))
    return delivery.fail(code, reason);
  if (!delivery.accepted()) accept_if_known(delivery, *fetch.track);
  delivery.retry();
}

void Fetches::remove(std::uint64_t number) {
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  Track& track = *found->second->track;
  found->second->publisher->roles.erase(found->second->request);
  upstream_.erase(found);
  --track.fetches;
}

void Fetches::peer_left(Peer& peer) {
  for (auto& [key, fetch] : clients_) {
    std::erase(fetch.refused, &peer);
    if (fetch.peer == &peer) fetch.delivery->on_cancelled();
  }
  settle();
  std::vector<std::uint64_t> lost;
  for (const auto& [number, fetch] : upstream_) {
    if (fetch->publisher == &peer) lost.push_back(number);
  }
  for (const std::uint64_t number : lost)
    give_up(number, moqt::RequestErrorCode::kInternalError, "the publisher was lost");
  for (auto& [key, fetch] : clients_) std::erase(fetch.refused, &peer);
  settle();
}

}  // namespace msquic_py::relay
