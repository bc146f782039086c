#include "relay/status_queries.h"

#include <utility>

namespace msquic_py::relay {

namespace session = moqt::session;

namespace {

/// Those of `said` that REQUEST_OK may carry in answer to TRACK_STATUS [d15 §9.2.1].
moqt::MessageParameters status_parameters(const moqt::MessageParameters& said) {
  moqt::MessageParameters parameters;
  if (const auto value = said.delivery_timeout()) parameters.set_track_delivery_timeout(*value);
  if (const auto value = said.max_cache_duration()) parameters.set_max_cache_duration(*value);
  if (const auto value = said.group_order()) parameters.set_track_group_order(*value);
  if (const auto value = said.largest_object()) parameters.set_largest_object(*value);
  return parameters;
}

}  // namespace

void StatusQueries::on_received(Peer& peer, const session::TrackStatusReceived& event) {
  if (const Track* track = tracks_.find(event.track); track != nullptr && track->established()) {
    (void)peer.session.accept(event.request, status_parameters(track->description()));
    return;
  }
  bool publishers_are_busy = false;
  for (Peer* publisher : namespaces_.publishers_for(event.track.track_namespace)) {
    auto asked = publisher->session.track_status(event.track, {}, {.limit = limits_.upstream_answer_timeout});
    if (!asked) {
      publishers_are_busy |= asked.error() == session::SessionError::kTooManyRequests;
      continue;
    }
    const std::uint64_t query = next_query_++;
    pending_.emplace(query, Pending{&peer, event.request});
    publisher->roles.insert_or_assign(*asked, StatusQueryRole{query});
    publisher->outlet.make_ready();
    return;
  }
  if (publishers_are_busy) {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kInternalError,
                              "too many requests wait for the publisher's credit");
  } else {
    (void)peer.session.reject(event.request, moqt::RequestErrorCode::kDoesNotExist, "nobody publishes this track");
  }
}

void StatusQueries::on_accepted(Peer& publisher, std::uint64_t query, const session::RequestAccepted& event) {
  publisher.roles.erase(event.request);
  const auto found = pending_.find(query);
  if (found == pending_.end()) return;
  (void)found->second.asker->session.accept(found->second.request, status_parameters(event.parameters));
  found->second.asker->outlet.make_ready();
  pending_.erase(found);
}

void StatusQueries::on_rejected(Peer& publisher, std::uint64_t query, const session::RequestRejected& event) {
  publisher.roles.erase(event.request);
  const auto found = pending_.find(query);
  if (found == pending_.end()) return;
  (void)found->second.asker->session.reject(found->second.request, static_cast<moqt::RequestErrorCode>(event.code),
                                            event.reason);
  found->second.asker->outlet.make_ready();
  pending_.erase(found);
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
      (void)found->second.asker->session.reject(found->second.request, moqt::RequestErrorCode::kDoesNotExist,
                                                "the publisher left");
      found->second.asker->outlet.make_ready();
      pending_.erase(found);
    }
    entry = peer.roles.erase(entry);
  }
}

}  // namespace msquic_py::relay
