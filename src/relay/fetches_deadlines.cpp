// FILL_TIMEOUT: fetches that wait for publishers no longer than their clients want (draft-22 sections 3.2.3, 9.20.5).
#include "relay/fetches.h"

namespace msquic_py::relay {

namespace objects = moqt::objects;
namespace session = moqt::session;

void Fetches::count_time(ClientFetch& fetch) {
  if (!fetch.fill_timeout || fetch.fill_by) return;
  fetch.fill_by = fetch.delivery->time() + *fetch.fill_timeout;
  fill_deadlines_.emplace(*fetch.fill_by, Key{fetch.peer->number, fetch.delivery->request().value});
}

void Fetches::stop_counting(ClientFetch& fetch) {
  if (fetch.fill_by) fill_deadlines_.erase({*fetch.fill_by, Key{fetch.peer->number, fetch.delivery->request().value}});
}

void Fetches::on_deadline(session::Time now) {
  while (!fill_deadlines_.empty() && fill_deadlines_.begin()->first <= now) {
    const Key key = fill_deadlines_.begin()->second;
    fill_deadlines_.erase(fill_deadlines_.begin());
    const auto found = clients_.find(key);
    if (found == clients_.end() || found->second.delivery->ended()) continue;
    ClientFetch& fetch = found->second;
    fetch.out_of_time = true;
    objects::FetchDelivery& delivery = *fetch.delivery;
    // Of an object that has begun to go out the rest is waited for: nothing could be said of it.
    if (delivery.in_object() || !delivery.waits()) continue;
    leave_publishers(fetch);
    if (delivery.missing()) leave_gap(fetch);
    delivery.wake();
  }
}

void Fetches::leave_gap(ClientFetch& fetch) {
  objects::FetchDelivery& delivery = *fetch.delivery;
  Track& track = *fetch.track;
  if (!delivery.accepted()) {  // where it ends, what is here says
    const auto largest = track.largest();
    if (!largest || delivery.range().start > *largest) {
      return delivery.fail(moqt::RequestErrorCode::kTimeout, "nothing of the range is here, and there is no time");
    }
    const objects::StoredGroup* const group = track.store().find(largest->group);
    session::FetchAnswer answer{false, delivery.range().answered_end(*largest, group != nullptr && group->end)};
    const auto last = track.store().last();
    answer.end_of_track = last && !moqt::FetchRange::ends_before(answer.end, {last->group, last->object + 1});
    delivery.accept(answer);
  }
  delivery.leave_gap(moqt::wire::FetchGap::kTimedOut);
}

}  // namespace msquic_py::relay
