// Relays in a row: publishers are at the first one, subscribers at the last, each of the others is a client of the one
// before it.
#include <algorithm>
#include <utility>

#include "simulation/world.h"

namespace msquic_py::simulation {

void World::start_relay(std::size_t number) {
  relay::RelayLimits limits;
  limits.max_queued_bytes_per_subscription = script_.relay_queue_limit;
  relays_[number] = std::make_unique<relay::Relay>(limits);
  if (number > 0) (void)relays_[number]->add_upstream();
}

void World::link_hop(std::size_t number) {
  Hop& hop = hops_[number];
  if (hop.near || hop.far) return;
  relay::Relay& upper = *relays_[number];
  relay::Relay& lower = *relays_[number + 1];
  ms::SessionConfig near = config_of(moqt::Perspective::kClient);
  near.account = lower.ledger().open_session();
  ms::SessionConfig far = config_of(moqt::Perspective::kServer);
  far.account = upper.ledger().open_session();
  hop.near = std::make_shared<SessionEnd>(network_.timeline(), std::move(near));
  hop.far = std::make_shared<SessionEnd>(network_.timeline(), std::move(far));
  auto joined = network_.connect(script_.hops[number], hop.near, hop.far);
  hop.near->attach(std::move(joined.client));
  hop.far->attach(std::move(joined.server));
  hop.link = std::move(joined.link);
  hop.upper = upper.attach(hop.far->session(), *hop.far);
  hop.lower = lower.attach_upstream(0, hop.near->session(), *hop.near);
}

bool World::link_hops() {
  bool any = false;
  for (std::size_t number = 0; links_hops_ && number < hops_.size(); ++number) {
    if (hops_[number].near || hops_[number].far) continue;
    link_hop(number);
    any = true;
  }
  return any;
}

bool World::settle_end(std::shared_ptr<SessionEnd>& end, relay::Relay& relay, relay::Relay::PeerNumber peer) {
  if (!end || !end->take_ready()) return false;
  end->perform_actions();
  while (relay.on_events(peer, network_.now())) end->perform_actions();
  end->perform_actions();
  if (!end->over()) return true;
  relay.detach(peer, network_.now());
  end.reset();
  return true;
}

bool World::settle_hop(std::size_t number) {
  Hop& hop = hops_[number];
  const bool lower = settle_end(hop.near, *relays_[number + 1], hop.lower);
  return settle_end(hop.far, *relays_[number], hop.upper) || lower;
}

void World::cut_hop(std::size_t number) {
  if (number >= hops_.size() || !hops_[number].link) return;
  hops_[number].link->cut();
  hops_disturbed_ = journal_.datagrams_may_be_lost = true;
}

void World::restart_relay(std::size_t number) {
  if (number == 0 || number + 1 >= relays_.size()) return;  // one that has clients of the script
  relay::Relay& relay = *relays_[number];
  cut_hop(number - 1);
  cut_hop(number);
  // What it had is gone at once; the others find out.
  if (std::exchange(hops_[number - 1].near, nullptr)) relay.detach(hops_[number - 1].lower, network_.now());
  if (std::exchange(hops_[number].far, nullptr)) relay.detach(hops_[number].upper, network_.now());
  skips_before_ += skips_of(relay);
  start_relay(number);
}

std::uint64_t World::skips_of(const relay::Relay& relay) {
  const auto counters = relay.counters();
  return counters.groups_skipped + counters.subscribers_too_far_behind;
}

void World::end_hops() {
  links_hops_ = false;
  for (Hop& hop : hops_) {
    if (hop.near) hop.near->close(moqt::SessionErrorCode::kNoError, "the end");
  }
}

}  // namespace msquic_py::simulation
