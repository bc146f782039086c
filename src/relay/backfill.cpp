#include "relay/backfill.h"

#include <utility>

namespace msquic_py::relay {

namespace session = moqt::session;

void Backfills::begin(Peer& publisher, Track& track, moqt::FetchRange range, session::Time now) {
  abandon(track, /*keep_holding=*/true, now);
  const auto request =
      range.valid() ? publisher.session.fetch(track.name(), range.start, range.end, {},
                                              {.limit = limits_.upstream_answer_timeout})
                    : session::SessionResult<session::RequestHandle>(base::Failure{session::SessionError::kEmptyRange});
  if (!request.ok()) {
    if (range.valid()) ++counters_.backfills_failed;
    return release(track, now);
  }
  track.publisher().hold(range.start.group, range.end.group);
  track.backfill = std::make_unique<Backfill>(
      Backfill{&publisher, *request, range,
               std::make_unique<moqt::objects::BackfillWriter>(track.publisher(), publisher.session.draft())});
  publisher.roles.insert_or_assign(*request, BackfillRole{&track});
  ++track.fetches;
  publisher.make_ready();
}

void Backfills::on_accepted(Track& track, const session::FetchAccepted& event) {
  if (track.backfill && track.backfill->request == event.request &&
      moqt::FetchRange::ends_before(event.end, track.backfill->range.end)) {
    track.backfill->range.end = event.end;
  }
}

void Backfills::on_rejected(Peer& peer, Track& track, session::RequestHandle request, session::Time now) {
  peer.roles.erase(request);
  if (!track.backfill || track.backfill->request != request || track.backfill->publisher != &peer) return;
  track.backfill.reset();
  --track.fetches;
  ++counters_.backfills_failed;
  release(track, now);
}

bool Backfills::on_object(Track& track, const session::FetchObjectReceived& event, session::Time now) {
  if (!track.backfill || track.backfill->request != event.fetch) return true;
  ++counters_.objects_backfilled;
  return !track.backfill->writer->object(event, now);
}

bool Backfills::on_payload(Track& track, const session::ObjectPayload& event, session::Time now) {
  if (!track.backfill || track.backfill->request != event.subscription) return true;
  return !track.backfill->writer->payload(event.bytes, now);
}

void Backfills::on_ended(Peer& peer, Track& track, const session::FetchEnded& event, session::Time now) {
  peer.roles.erase(event.fetch);
  if (!track.backfill || track.backfill->request != event.fetch) return;
  const moqt::FetchRange range = track.backfill->range;
  track.backfill.reset();  // first: its writers let go of their subgroups
  --track.fetches;
  if (!event.finished) {
    ++counters_.backfills_failed;
    return release(track, now);
  }
  track.store().set_known(range.start, range.end, now);
  track.publisher().release_below(range.end.object == 0 ? range.end.group + 1 : range.end.group, now);
  release(track, now);
}

void Backfills::abandon(Track& track, bool keep_holding, session::Time now) {
  if (track.backfill) {
    Peer& publisher = *track.backfill->publisher;
    const session::RequestHandle request = track.backfill->request;
    track.backfill.reset();
    --track.fetches;
    publisher.roles.erase(request);
    (void)publisher.session.cancel(request);
    publisher.make_ready();
  }
  if (!keep_holding) release(track, now);
}

void Backfills::release(Track& track, session::Time now) { track.publisher().release(now); }

}  // namespace msquic_py::relay
