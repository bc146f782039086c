#include "relay/upward_interests.h"

#include <algorithm>
#include <vector>

namespace msquic_py::relay {

namespace session = moqt::session;

std::vector<UpwardInterests::Ended> UpwardInterests::changed() {
  std::vector<Ended> ended;
  for (const auto& upstream : sources_.upstreams()) {
    for (const Ended& each : settle(*upstream)) ended.push_back(each);
  }
  return ended;
}

std::vector<UpwardInterests::Ended> UpwardInterests::settle(Upstream& upstream) {
  std::vector<Ended> ended;
  if (upstream.peer == nullptr) return ended;
  session::Session& to = upstream.peer->session;
  // Ordered by fields: what lies under a prefix follows it. Prefixes in one session must not overlap [d15 §6.1].
  std::vector<moqt::TrackNamespace> wanted;
  for (const moqt::TrackNamespace& prefix : directory_.prefixes_wanted_by_clients()) {
    const bool below = upstream.prefix.is_prefix_of(prefix);
    if (!below && !prefix.is_prefix_of(upstream.prefix)) continue;
    const moqt::TrackNamespace& asked = below ? prefix : upstream.prefix;
    // Everything cannot be asked for in draft-15 [d15 §9.23].
    if (asked.field_count() == 0 && !to.may_ask_for_every_namespace()) continue;
    if (wanted.empty() || !wanted.back().is_prefix_of(asked)) wanted.push_back(asked);
  }
  for (auto entry = upstream.interests.begin(); entry != upstream.interests.end();) {
    if (std::find(wanted.begin(), wanted.end(), entry->first) != wanted.end()) {
      ++entry;
      continue;
    }
    (void)to.cancel(entry->second);
    ended.emplace_back(upstream.peer, entry->second);
    entry = upstream.interests.erase(entry);
  }
  moqt::MessageParameters parameters;
  parameters.set_forward(false);  // objects come when somebody here wants them
  for (const moqt::TrackNamespace& prefix : wanted) {
    if (upstream.interests.contains(prefix)) continue;
    const auto request = to.subscribe_namespace(prefix, parameters);
    if (request.ok()) upstream.interests.emplace(prefix, *request);
  }
  upstream.peer->make_ready();
  return ended;
}

}  // namespace msquic_py::relay
