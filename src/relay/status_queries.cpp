#include "relay/status_queries.h"

#include <algorithm>
#include <utility>

#include "relay/loop_guard.h"

namespace msquic_py::relay {

namespace session = moqt::session;

void StatusQueries::on_received(Peer& peer, const session::TrackStatusReceived& event) {
  if (const Track* track = tracks_.find(event.track); track != nullptr && track->established()) {
    (void)peer.session.accept(event.request, track->description());
    return;
  }
  if (peer.loops(event.track.track_namespace)) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, kLoopReason);
    return;
  }
  bool busy = false;
  if (ask({&peer, event.request, event.track, {peer.number}}, busy)) return;
  if (busy) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "too many requests wait for the publisher's credit");
  } else {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
  }
}

bool StatusQueries::ask(Pending pending, bool& busy) {
  const bool up = pending.asker->upstream == nullptr;
  for (Peer* publisher : sources_.all_for(pending.track.track_namespace, up)) {
    if (std::find(pending.asked.begin(), pending.asked.end(), publisher->number) != pending.asked.end()) continue;
    auto asked = publisher->session.track_status(pending.track, {}, {.limit = limits_.upstream_answer_timeout});
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

void StatusQueries::on_accepted(Peer& publisher, std::uint64_t query, const session::RequestAccepted& event) {
  publisher.roles.erase(event.request);
  const auto found = pending_.find(query);
  if (found == pending_.end()) return;
  (void)found->second.asker->session.accept(found->second.request, event.parameters);
  found->second.asker->outlet.make_ready();
  pending_.erase(found);
}

void StatusQueries::on_rejected(Peer& publisher, std::uint64_t query, const session::RequestRejected& event) {
  publisher.roles.erase(event.request);
  const auto found = pending_.find(query);
  if (found == pending_.end()) return;
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  bool busy = false;
  // Another upstream may know.
  if (publisher.upstream != nullptr && ask(pending, busy)) return;
  refuse(pending, static_cast<moqt::RequestErrorCode>(event.code), event.reason);
}

void StatusQueries::peer_left(Peer& peer) {
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.asker == &peer; });
  for (auto entry = peer.roles.begin(); entry != peer.roles.end();) {
    const auto* role = std::get_if<StatusQueryRole>(&entry->second);
    if (role == nullptr) {
      ++entry;
      continue;
    }
    if (const auto found = pending_.find(role->query); found != pending_.end()) {
      refuse(found->second, moqt::RequestErrorCode::kDoesNotExist, "the publisher left");
      pending_.erase(found);
    }
    entry = peer.roles.erase(entry);
  }
}

}  // namespace msquic_py::relay
