#include "relay/backfill.h"

#include <algorithm>
#include <limits>
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
  // What is held already was to come from somebody who is gone: it comes with this.
  const auto held = track.store().held();
  track.publisher().hold(held ? std::min(range.start.group, held->first) : range.start.group,
                         held ? std::max(range.end.group, held->last) : range.end.group);
  track.backfill = std::make_unique<Backfill>(Backfill{
      &publisher, *request, range,
      std::make_unique<moqt::objects::BackfillWriter>(track.publisher(), publisher.session.draft(), range.start)});
  publisher.roles.insert_or_assign(*request, BackfillRole{&track});
  ++track.fetches;
  publisher.make_ready();
}

void Backfills::begin_rest(Peer& publisher, Track& track, session::Time now) {
  const auto largest = track.largest();
  if (track.backfill || !largest) return;
  // The latest object again: a publisher that has nothing newer refuses to be asked for that alone [d15 §9.16.3-3].
  const moqt::Location from = std::min(track.store().first_missing(track.start), *largest);
  constexpr moqt::Location kNoEnd{std::numeric_limits<std::uint64_t>::max(), 0};
  begin(publisher, track, moqt::FetchRange{from, kNoEnd}.closed(), now);
}

void Backfills::on_accepted(Track& track, const session::FetchAccepted& event) {
  if (!track.backfill || track.backfill->request != event.request) return;
  track.backfill->end_of_track = event.end_of_track;
  if (moqt::FetchRange::ends_before(event.end, track.backfill->range.end)) track.backfill->range.end = event.end;
}

void Backfills::on_rejected(Peer& peer, Track& track, session::RequestHandle request, session::Time now) {
  peer.roles.erase(request);
  if (!track.backfill || track.backfill->request != request || track.backfill->publisher != &peer) return;
  const moqt::FetchRange range = track.backfill->range;
  track.backfill.reset();
  --track.fetches;
  ++counters_.backfills_failed;
  // Perhaps nobody knows of what lies before the first group that came, where nothing may be missing. What lies behind
  // may be had all the same.
  const auto& groups = track.store().groups();
  if (!groups.empty() && groups.begin()->first > range.start.group) {
    const moqt::FetchRange rest{track.store().first_missing({groups.begin()->first, 0}), range.end};
    if (rest.valid()) {
      begin(peer, track, rest, now);
      if (track.backfill) track.backfill->lacks_some = true;
      return;
    }
  }
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

void Backfills::on_gap(Track& track, const session::FetchGapReceived& event) {
  if (!track.backfill || track.backfill->request != event.fetch) return;
  track.backfill->writer->pass_unknown(event.last);
  track.backfill->lacks_some = true;
}

bool Backfills::on_ended(Peer& peer, Track& track, const session::FetchEnded& event, session::Time now) {
  peer.roles.erase(event.fetch);
  if (!track.backfill || track.backfill->request != event.fetch) return false;
  const moqt::FetchRange range = track.backfill->range;
  const moqt::FetchRange rest{track.backfill->writer->next(), range.end};
  const bool end_of_track = event.finished && track.backfill->end_of_track;
  const moqt::objects::IntervalSet unknown = track.backfill->writer->unknown_groups();
  track.backfill.reset();  // first: its writers let go of their subgroups
  --track.fetches;
  if (!event.finished) {
    ++counters_.backfills_failed;
    release(track, now);
    return false;
  }
  if (!unknown.empty()) ++counters_.backfills_failed;
  if (rest.valid()) track.store().set_known(rest.start, rest.end, now);
  if (end_of_track && range.end.object > 0) {  // [d15 §9.17]: nor is there anything behind it in its group
    track.store().set_last({range.end.group, range.end.object - 1});
    track.store().set_known(range.end, {range.end.group, 0}, now);
  }
  const bool whole_group = range.end.object == 0 || end_of_track;
  track.publisher().release_below(whole_group ? range.end.group + 1 : range.end.group, now, unknown);
  release(track, now);
  return end_of_track;
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
