// Several relays, each but the first one a client of one before it.
#include <algorithm>
#include <utility>

#include "simulation/world.h"

namespace msquic_py::simulation {

void World::start_relay(std::size_t number) {
  const RelayBudget& budget = script_.budget;
  relay::RelayLimits limits;
  limits.max_queued_bytes_per_subscription = budget.queue;
  limits.rendezvous_timeout = std::chrono::milliseconds(budget.rendezvous);
  if (budget.track_memory != 0) limits.memory.track = budget.track_memory;
  if (budget.session_memory != 0) limits.memory.session = budget.session_memory;
  if (budget.process_memory != 0) limits.memory.process = budget.process_memory;
  relays_[number] = std::make_unique<relay::Relay>(limits);
  awake_[number] = {};
  if (number > 0) (void)relays_[number]->add_upstream();
}

void World::link_hop(std::size_t number) {
  Hop& hop = hops_[number];
  const HopPlan& plan = script_.hops[number];
  relay::Relay& upper = *relays_[plan.upper];
  relay::Relay& lower = *relays_[number + 1];
  ms::SessionConfig near = config_of(moqt::Perspective::kClient);
  near.account = lower.ledger().open_session();
  ms::SessionConfig far = config_of(moqt::Perspective::kServer);
  far.account = upper.ledger().open_session();
  hop.near = std::make_shared<SessionEnd>(network_.timeline(), std::move(near), plan.draft);
  hop.far = std::make_shared<SessionEnd>(network_.timeline(), std::move(far), plan.draft);
  auto joined = network_.connect(plan.link, hop.near, hop.far);
  hop.near->attach(std::move(joined.client));
  hop.far->attach(std::move(joined.server));
  hop.link = std::move(joined.link);
  if (lost_hop_send_ != 0) hop.far->loses = [this](const ms::SendStream&) { return ++hop_sends_ == lost_hop_send_; };
  hop.upper = upper.attach(hop.far->session(), *hop.far);
  hop.lower = lower.attach_upstream(0, hop.near->session(), *hop.near);
}

bool World::link_hops() {
  bool any = false;
  for (std::size_t number = 0; links_hops_ && number < hops_.size(); ++number) {
    if (hops_[number].near || hops_[number].far) continue;
    if (stalls(number + 1) || stalls(script_.hops[number].upper)) continue;
    link_hop(number);
    any = true;
  }
  return any;
}

bool World::settle_end(std::shared_ptr<SessionEnd>& end, std::size_t number, relay::Relay::PeerNumber peer) {
  if (!end || stalls(number)) return false;
  relay::Relay& relay = *relays_[number];
  if (!end->take_turns(relay, peer, network_.now())) return false;
  if (!end->over()) return true;
  check_close(*end, "a session of relay " + std::to_string(number));
  relay.detach(peer, network_.now());
  end.reset();
  return true;
}

bool World::settle_hop(std::size_t number) {
  Hop& hop = hops_[number];
  const bool lower = settle_end(hop.near, number + 1, hop.lower);
  return settle_end(hop.far, script_.hops[number].upper, hop.upper) || lower;
}

void World::cut_hop(std::size_t number) {
  if (number >= hops_.size() || !hops_[number].link) return;
  hops_[number].link->cut();
  hops_disturbed_ = journal_.datagrams_may_be_lost = true;
}

void World::restart_relay(std::size_t number) {
  if (script_.direct || number >= relays_.size()) return;
  relay::Relay& relay = *relays_[number];
  // What it had is gone at once; the others find out.
  const auto forget = [&](std::shared_ptr<SessionEnd>& end, relay::Relay::PeerNumber peer) {
    const std::shared_ptr<SessionEnd> gone = std::exchange(end, nullptr);
    if (gone) relay.detach(peer, network_.now());
  };
  for (std::size_t hop = 0; hop < hops_.size(); ++hop) {
    const bool below = hop + 1 == number;
    if (!below && script_.hops[hop].upper != number) continue;
    cut_hop(hop);
    below ? forget(hops_[hop].near, hops_[hop].lower) : forget(hops_[hop].far, hops_[hop].upper);
  }
  for (std::size_t client = 0; client < clients_.size(); ++client) {
    if (script_.homes[client] != number || !clients_[client].far) continue;
    if (clients_[client].link) clients_[client].link->cut();
    forget(clients_[client].far, clients_[client].peer);
  }
  hops_disturbed_ = journal_.datagrams_may_be_lost = true;
  note_losses_of(relay);
  start_relay(number);
}

void World::stall(std::size_t number, Duration duration) {
  if (script_.direct || number >= relays_.size()) return;
  awake_[number] = std::max(awake_[number], network_.now() + duration);
}

void World::note_losses_of(const relay::Relay& relay) {
  const auto counters = relay.counters();
  outcome_.skips += counters.groups_skipped + counters.subscribers_too_far_behind;
  outcome_.refusals += counters.memory_refusals + counters.backfills_failed;
}

void World::end_hops() {
  links_hops_ = false;
  for (Hop& hop : hops_) {
    if (hop.near) hop.near->close(moqt::SessionErrorCode::kNoError, "the end");
  }
}

}  // namespace msquic_py::simulation
