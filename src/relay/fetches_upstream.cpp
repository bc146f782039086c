// What publishers answer to the FETCHes of the relay.
#include <algorithm>
#include <utility>

#include "relay/fetches.h"

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

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
  if (moqt::FetchRange::ends_before(event.end, fetch.range.end)) fetch.range.end = event.end;
  for (objects::FetchDelivery* asker : std::vector(fetch.askers)) {
    accept(*asker, fetch);
    // What the publisher has left out ahead of FETCH_OK can be left out here, now that it is known where the range
    // ends.
    const ClientFetch* const client = client_fetch_of(*asker);
    if (client == nullptr || !asker->accepted() || !asker->missing()) continue;
    if (client->is_unknown_to(fetch.publisher->number, *asker->missing())) asker->retry();
  }
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
  count(peer, &RelayCounters::objects_fetched);
  if (fetch->writer.object(event, now)) {
    (void)peer.session.cancel(event.fetch);
    return on_malformed(peer, event.fetch);
  }
  read_on(*fetch);
}

void Fetches::on_payload(Peer& peer, const session::ObjectPayload& event, session::Time now) {
  UpstreamFetch* const fetch = upstream_of(peer, event.subscription);
  if (fetch == nullptr) return;
  fetch->unread_bytes += event.bytes.size();
  if (fetch->writer.payload(event.bytes, now)) {
    (void)peer.session.cancel(event.subscription);
    return on_malformed(peer, event.subscription);
  }
  read_on(*fetch);
}

void Fetches::on_gap(Peer& peer, const session::FetchGapReceived& event) {
  UpstreamFetch* const fetch = upstream_of(peer, event.fetch);
  if (fetch == nullptr) return;
  fetch->writer.pass_unknown(event.last);
  if (fetch->order != moqt::GroupOrder::kAscending) return;
  for (objects::FetchDelivery* asker : std::vector(fetch->askers)) {
    ClientFetch* const client = client_fetch_of(*asker);
    if (client == nullptr) continue;
    std::erase_if(client->unknown_to, [&](const auto& each) { return each.first == peer.number; });
    client->unknown_to.emplace_back(peer.number, event.last);
    if (asker->missing() && *asker->missing() <= event.last) asker->retry();  // somebody else may know
  }
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
  const bool said_all = event.fin && fetch.order == moqt::GroupOrder::kAscending;
  if (!event.finished && !said_all) {
    return give_up(number, moqt::RequestErrorCode::kInternalError, "the publisher broke the FETCH off");
  }
  fetch.writer.finish(fetch.range.end, now);
  if (fetch.end_of_track && fetch.range.end.object > 0)
    store.set_last({fetch.range.end.group, fetch.range.end.object - 1});
  fetch.ending = true;
  for (objects::FetchDelivery* asker : leave(number, fetch)) asker->retry();
  remove(number);
}

void Fetches::on_malformed(Peer& peer, session::RequestHandle request) {
  const auto* role = peer.role<UpstreamFetchRole>(request);
  if (role == nullptr) return;
  const std::uint64_t number = role->fetch;
  peer.roles.erase(request);
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  Track& track = *fetch.track;
  fetch.ending = true;
  for (objects::FetchDelivery* asker : leave(number, fetch))
    asker->fail(moqt::RequestErrorCode::kMalformedTrack, "the publisher broke the rules of the track");
  remove(number);
  supply_.end_malformed(peer, track);
}

void Fetches::give_up(std::uint64_t number, moqt::RequestErrorCode code, std::string_view reason) {
  const auto found = upstream_.find(number);
  if (found == upstream_.end()) return;
  UpstreamFetch& fetch = *found->second;
  fetch.ending = true;
  const std::uint64_t publisher_number = fetch.publisher->number;
  const auto askers = leave(number, fetch);
  remove(number);
  for (objects::FetchDelivery* asker : askers) {
    ClientFetch* const client = asker->ended() ? nullptr : client_fetch_of(*asker);
    if (client == nullptr) continue;
    client->refused.push_back(publisher_number);
    const moqt::Location from = asker->missing().value_or(asker->position());
    if (ask(*client, missing_at(*client, from)) || end_at_largest(*client, from, code)) continue;
    fall_back(*client, from, code, reason);
  }
}

bool Fetches::end_at_largest(ClientFetch& fetch, moqt::Location from, moqt::RequestErrorCode code) {
  // The last publisher says that nothing has been published from there on [d15 §9.16.3-3], which is behind all that is
  // here: the answer ends with that.
  objects::FetchDelivery& delivery = *fetch.delivery;
  objects::TrackStore& store = fetch.track->store();
  if (code != moqt::RequestErrorCode::kInvalidRange || delivery.accepted()) return false;
  if (delivery.order() != moqt::GroupOrder::kAscending) return false;
  const std::optional<moqt::Location> largest = std::max(delivery.furthest(), store.largest());
  if (!largest || *largest < delivery.range().start || from <= *largest) return false;
  const objects::StoredGroup* const group = store.find(largest->group);
  const bool whole = group != nullptr && group->end.has_value();
  delivery.accept({false, delivery.range().answered_end(*largest, whole)});
  delivery.retry();
  return true;
}

void Fetches::fall_back(ClientFetch& fetch, moqt::Location from, moqt::RequestErrorCode code, std::string_view reason) {
  // Not every publisher answers FETCH. Groups that came whole, as far as anybody here can see, are served all the same.
  objects::FetchDelivery& delivery = *fetch.delivery;
  objects::TrackStore& store = fetch.track->store();
  const moqt::FetchRange range = delivery.range();
  if (knows_largest(*fetch.track)) store.assume_ended(range.start, range.end);
  const bool ascending = delivery.order() == moqt::GroupOrder::kAscending;
  // Nor is there anybody who brings the rest of an object that was cut.
  const auto here = store.look(from);
  const bool cut = here.kind == objects::TrackStore::Look::Kind::kObject && here.subgroup->writers == 0 &&
                   !here.subgroup->at(here.place).complete() && !here.subgroup->at(here.place).arriving;
  if (cut || store.first_unknown(ascending ? from : range.start, range.end, delivery.time())) {
    const bool may_be_left_out = !cut && delivery.accepted() && delivery.missing() && !delivery.in_object() &&
                                 !has_status_in_fetch(delivery.session().draft());
    const bool may_be_accepted = !delivery.accepted() && !delivery.in_object() && delivery.missing() &&
                                 std::any_of(fetch.asked.begin(), fetch.asked.end(),
                                             [&](std::uint64_t each) { return !upstream_.at(each)->accepted; });
    if (may_be_accepted) return;  // FETCH_OK is on its way, on another stream
    if (!may_be_left_out) return delivery.fail(code, reason);
    delivery.leave_gap(moqt::wire::FetchGap::kUnknown);  // draft-22 section 3.2.3
    return delivery.wake();
  }
  if (!delivery.accepted()) accept_if_known(delivery, *fetch.track);
  delivery.retry();
}

std::vector<objects::FetchDelivery*> Fetches::leave(std::uint64_t number, UpstreamFetch& fetch) {
  std::vector<objects::FetchDelivery*> askers = std::exchange(fetch.askers, {});
  for (const objects::FetchDelivery* asker : askers) {
    if (ClientFetch* const client = client_fetch_of(*asker)) std::erase(client->asked, number);
  }
  return askers;
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
  std::vector<session::RequestHandle> asked;
  std::vector<std::uint64_t> lost;
  for (const auto& [request, role] : peer.roles) {
    if (std::holds_alternative<FetchRole>(role)) asked.push_back(request);
    if (const auto* fetch = std::get_if<UpstreamFetchRole>(&role)) lost.push_back(fetch->fetch);
  }
  for (const session::RequestHandle request : asked) {
    const auto found = clients_.find(Key{peer.number, request.value});
    if (found != clients_.end()) found->second.delivery->on_cancelled();
  }
  settle();
  for (const std::uint64_t number : lost)
    give_up(number, moqt::RequestErrorCode::kInternalError, "the publisher was lost");
  settle();
}

}  // namespace msquic_py::relay
