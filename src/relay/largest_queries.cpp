#include "relay/largest_queries.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace msquic_py::relay {

namespace session = moqt::session;

void LargestQueries::ask(Peer& peer, const session::FetchReceived& fetch) {
  Pending pending{&peer, fetch, {peer.number}};
  if (fetch.parameters.fill_timeout() == std::uint64_t{0}) {  // draft-22 section 9.20.5: nobody is waited for
    return refuse(pending, moqt::RequestErrorCode::kTimeout, "the largest object is not known here");
  }
  if (!ask(pending)) refuse(pending, moqt::RequestErrorCode::kDoesNotExist, "nobody tells the track's largest object");
}

bool LargestQueries::ask(Pending& pending) {
  const bool up = pending.asker->upstream == nullptr;
  auto limit = limits_.upstream_answer_timeout;
  if (const auto timeout = pending.fetch.parameters.fill_timeout()) {
    constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1000;
    limit = std::min(limit, decltype(limit)(std::chrono::milliseconds(std::min(*timeout, kDay))));
  }
  for (Peer* publisher : sources_.all_for(pending.fetch.track.track_namespace, up)) {
    if (std::find(pending.asked.begin(), pending.asked.end(), publisher->number) != pending.asked.end()) continue;
    const auto asked = publisher->session.track_status(pending.fetch.track, {}, {.limit = limit});
    if (!asked.ok()) continue;
    pending.asked.push_back(publisher->number);
    const std::uint64_t query = next_query_++;
    pending_.emplace(query, std::move(pending));
    publisher->roles.insert_or_assign(*asked, LargestQueryRole{query});
    publisher->outlet.make_ready();
    return true;
  }
  return false;
}

void LargestQueries::refuse(const Pending& pending, moqt::RequestErrorCode code, std::string_view reason) {
  (void)pending.asker->session.reject(pending.fetch.request, code, reason);
  pending.asker->outlet.make_ready();
}

std::optional<LargestQueries::Resolved> LargestQueries::on_accepted(Peer& publisher, std::uint64_t query,
                                                                    const session::RequestAccepted& event) {
  publisher.roles.erase(event.request);
  auto found = pending_.extract(query);
  if (found.empty()) return std::nullopt;
  Pending& pending = found.mapped();
  const auto largest = event.parameters.largest_object();
  if (!largest) {  // draft-22 section 3.2
    refuse(pending, moqt::RequestErrorCode::kInvalidRange, "nothing of the track has been published");
    return std::nullopt;
  }
  const auto range = pending.asker->session.resolve_fetch(pending.fetch.request, *largest);
  pending.asker->outlet.make_ready();
  if (!range.ok()) return std::nullopt;
  pending.fetch.range = *range;
  pending.fetch.groups_back.reset();
  return Resolved{pending.asker, std::move(pending.fetch)};
}

void LargestQueries::on_rejected(Peer& publisher, std::uint64_t query, const session::RequestRejected& event) {
  publisher.roles.erase(event.request);
  auto found = pending_.extract(query);
  if (found.empty()) return;
  if (!ask(found.mapped())) refuse(found.mapped(), static_cast<moqt::RequestErrorCode>(event.code), event.reason);
}

void LargestQueries::on_cancelled(Peer& peer, session::RequestHandle request) {
  std::erase_if(pending_, [&](const auto& entry) {
    return entry.second.asker == &peer && entry.second.fetch.request == request;
  });
}

void LargestQueries::peer_left(Peer& peer) {
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.asker == &peer; });
  std::vector<std::uint64_t> lost;
  std::erase_if(peer.roles, [&](const auto& entry) {
    const auto* role = std::get_if<LargestQueryRole>(&entry.second);
    if (role != nullptr) lost.push_back(role->query);
    return role != nullptr;
  });
  for (const std::uint64_t query : lost) {
    auto found = pending_.extract(query);
    if (found.empty() || ask(found.mapped())) continue;
    refuse(found.mapped(), moqt::RequestErrorCode::kDoesNotExist, "the publisher left");
  }
}

}  // namespace msquic_py::relay
