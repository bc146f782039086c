#include "relay/status_queries.h"

#include <algorithm>
#include <utility>

#include "relay/answers.h"
#include "relay/loop_guard.h"

namespace msquic_py::relay {

namespace session = moqt::session;

void StatusQueries::on_received(Peer& peer, const session::TrackStatusReceived& event) {
  if (const Track* track = tracks_.find(event.track); track != nullptr && track->established()) {
    (void)accept_in_draft(peer.session, event.request, track->description());
    return;
  }
  if (peer.loops(event.track.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, kLoopReason);
    return;
  }
  bool busy = false;
  Pending pending{&peer, event.request, event.track, limits_.upstream_answer_timeout, {peer.number}, std::nullopt};
  if (ask(pending, busy)) return;
  if (busy) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "too many requests wait for the publisher's credit");
  } else {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
  }
}

void StatusQueries::find_largest(Peer& peer, const session::FetchReceived& fetch) {
  Pending pending{&peer, fetch.request, fetch.track, limits_.upstream_answer_timeout, {peer.number}, fetch};
  if (const auto timeout = fetch.parameters.fill_timeout()) {
    pending.limit = std::min(pending.limit, session::milliseconds_said(*timeout));
    if (*timeout == 0) {  // draft-22 section 9.20.5: nobody is waited for
      return refuse(pending, moqt::RequestErrorCode::kTimeout, "the largest object is not known here");
    }
  }
  bool busy = false;
  if (ask(pending, busy)) return;
  if (busy) {
    refuse(pending, moqt::RequestErrorCode::kInternalError, "too many requests wait for the publisher's credit");
  } else {
    refuse(pending, moqt::RequestErrorCode::kDoesNotExist, "nobody tells the track's largest object");
  }
}

bool StatusQueries::ask(Pending& pending, bool& busy) {
  const bool up = pending.asker->upstream == nullptr;
  for (Peer* publisher : sources_.all_for(pending.track.track_namespace, up)) {
    if (std::find(pending.asked.begin(), pending.asked.end(), publisher->number) != pending.asked.end()) continue;
    auto asked = publisher->session.track_status(pending.track, {}, {.limit = pending.limit});
    if (!asked) {
      busy |= asked.error() == session::SessionError::kTooManyRequests;
      continue;
    }
    pending.asked.push_back(publisher->number);
    const std::uint64_t query = next_query_++;
    pending_.emplace(query, std::move(pending));
    publisher->roles.insert_or_assign(*asked, StatusQueryRole{query});
    publisher->outlet.make_ready();
    return true;
  }
  return false;
}

void StatusQueries::refuse(const Pending& pending, moqt::RequestErrorCode code, std::string_view reason) {
  (void)pending.asker->session.reject(pending.request, code, reason);
  pending.asker->outlet.make_ready();
}

std::optional<StatusQueries::Resolved> StatusQueries::resolve(Pending& pending, std::optional<moqt::Location> largest) {
  if (!largest) {  // draft-22 section 3.2
    refuse(pending, moqt::RequestErrorCode::kInvalidRange, "nothing of the track has been published");
    return std::nullopt;
  }
  const auto range = pending.asker->session.resolve_fetch(pending.request, *largest);
  pending.asker->outlet.make_ready();
  if (!range.ok()) return std::nullopt;
  pending.fetch->range = *range;
  pending.fetch->groups_back.reset();
  return Resolved{pending.asker, std::move(*pending.fetch)};
}

std::optional<StatusQueries::Resolved> StatusQueries::on_accepted(Peer& publisher, std::uint64_t query,
                                                                  const session::RequestAccepted& event) {
  publisher.roles.erase(event.request);
  auto found = pending_.extract(query);
  if (found.empty()) return std::nullopt;
  Pending& pending = found.mapped();
  if (pending.fetch) return resolve(pending, event.parameters.largest_object());
  (void)accept_in_draft(pending.asker->session, pending.request, event.parameters);
  pending.asker->outlet.make_ready();
  return std::nullopt;
}

void StatusQueries::on_rejected(Peer& publisher, std::uint64_t query, const session::RequestRejected& event) {
  publisher.roles.erase(event.request);
  auto found = pending_.extract(query);
  if (found.empty()) return;
  Pending& pending = found.mapped();
  bool busy = false;
  // Another upstream may know; of the largest object another publisher may, too.
  if ((publisher.upstream != nullptr || pending.fetch) && ask(pending, busy)) return;
  refuse(pending, static_cast<moqt::RequestErrorCode>(event.code), event.reason);
}

void StatusQueries::on_fetch_cancelled(Peer& peer, session::RequestHandle request) {
  std::erase_if(pending_,
                [&](const auto& entry) { return entry.second.asker == &peer && entry.second.request == request; });
}

void StatusQueries::peer_left(Peer& peer) {
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.asker == &peer; });
  std::vector<std::uint64_t> lost;
  std::erase_if(peer.roles, [&](const auto& entry) {
    const auto* role = std::get_if<StatusQueryRole>(&entry.second);
    if (role != nullptr) lost.push_back(role->query);
    return role != nullptr;
  });
  for (const std::uint64_t query : lost) {
    auto found = pending_.extract(query);
    if (found.empty()) continue;
    bool busy = false;
    if (found.mapped().fetch && ask(found.mapped(), busy)) continue;
    refuse(found.mapped(), moqt::RequestErrorCode::kDoesNotExist, "the publisher left");
  }
}

}  // namespace msquic_py::relay
