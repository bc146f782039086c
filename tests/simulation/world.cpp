#include "simulation/world.h"

#include <algorithm>
#include <utility>

namespace msquic_py::simulation {

namespace {

using namespace std::chrono_literals;

}  // namespace

ms::SessionConfig World::config_of(moqt::Perspective perspective) const {
  ms::SessionConfig config;
  config.perspective = perspective;
  config.limits.max_incoming_streams = script_.stream_limit;
  config.limits.max_outgoing_streams = script_.stream_limit;
  return config;
}

World::World(const Script& script) : script_(script), network_(script.seed), journal_(script) {
  relays_.resize(script.hops.size() + 1);
  awake_.resize(relays_.size());
  hops_.resize(script.hops.size());
  for (std::size_t number = 0; number < relays_.size(); ++number) start_relay(number);
  const std::size_t publishers = script.direct ? script.subscribers : script.publishers;
  for (std::size_t number = 0; number < publishers; ++number) publishers_.emplace_back(number, journal_);
  for (std::size_t number = 0; number < script.subscribers; ++number) {
    subscribers_.emplace_back(script.publishers + number, journal_);
  }
  clients_.resize(script.clients());
}

World::~World() = default;

void World::connect(std::size_t number) {
  Client& client = clients_[number];
  if (client.near || client.far) return;
  const moqt::Draft draft = script_.drafts[number];
  client.near = std::make_shared<SessionEnd>(network_.timeline(), config_of(moqt::Perspective::kClient), draft);
  ms::SessionConfig far = config_of(moqt::Perspective::kServer);
  far.account = relay_of(number).ledger().open_session();
  client.far = std::make_shared<SessionEnd>(network_.timeline(), std::move(far), draft);
  auto joined = network_.connect(script_.links[number], client.near, client.far);
  client.near->attach(std::move(joined.client));
  client.far->attach(std::move(joined.server));
  client.link = std::move(joined.link);
  if (lost_send_ != 0) client.far->loses = [this](const ms::SendStream&) { return ++sends_ == lost_send_; };
  if (script_.direct) {
    publishers_[number].begin(*client.far);
  } else {
    client.peer = relay_of(number).attach(client.far->session(), *client.far);
  }
  if (Publisher* who = publisher(number)) {
    who->begin(*client.near);
    // Flow control may hold up what is more urgent, and losses look like that; here neither is.
    const auto& options = script_.links[number];
    const bool free = options.to_server.loss_per_million == 0 && options.to_client.loss_per_million == 0 &&
                      options.server.stream_window >= transport::memory::Admission{}.stream_window;
    if (free) {
      client.near->loses = [who, link = client.link](const ms::SendStream& send) {
        if (!link->is_cut()) who->watch(send);
        return false;
      };
    }
  }
  if (Subscriber* who = subscriber(number)) who->begin(*client.near);
}

bool World::settle_near(std::size_t number) {
  Client& client = clients_[number];
  if (!client.near || !client.near->take_ready()) return false;
  client.near->perform_actions();
  Publisher* const publishes = publisher(number);
  Subscriber* const subscribes = subscriber(number);
  while ((publishes != nullptr && publishes->on_events()) || (subscribes != nullptr && subscribes->on_events())) {
    client.near->perform_actions();
  }
  if (client.near->over()) {
    if (publishes != nullptr) publishes->session_over();
    if (subscribes != nullptr) subscribes->session_over();
    client.near.reset();
  }
  return true;
}

bool World::settle_far(std::size_t number) {
  Client& client = clients_[number];
  if (!script_.direct) return settle_end(client.far, script_.homes[number], client.peer);
  if (!client.far || !client.far->take_ready()) return false;
  client.far->perform_actions();
  while (publishers_[number].on_events()) client.far->perform_actions();
  client.far->perform_actions();
  if (!client.far->over()) return true;
  publishers_[number].session_over();
  client.far.reset();
  return true;
}

void World::settle() {
  for (int round = 0; round < 10'000; ++round) {
    bool any = false;
    for (std::size_t number = 0; number < clients_.size(); ++number) {
      any |= settle_near(number);
      any |= settle_far(number);
    }
    for (std::size_t number = 0; number < hops_.size(); ++number) any |= settle_hop(number);
    if (!any && !link_hops()) return;
  }
  journal_.fault("the sessions do not come to rest");
}

std::optional<ms::Time> World::next_deadline() const {
  std::optional<ms::Time> next;
  const auto sooner = [&next](std::optional<ms::Time> due) {
    if (due && (!next || *due < *next)) next = due;
  };
  for_each_end([&](const SessionEnd& end, std::optional<std::size_t> relay) {
    if (!relay || !stalls(*relay)) sooner(end.session().next_deadline());
  });
  for (std::size_t number = 0; number < relays_.size(); ++number) {
    sooner(stalls(number) ? awake_[number] : relays_[number]->next_deadline());
  }
  return next;
}

void World::pass_deadlines() {
  for_each_end([&](SessionEnd& end, std::optional<std::size_t> relay) {
    if (!relay || !stalls(*relay)) end.pass_deadline();
  });
  for (std::size_t number = 0; number < relays_.size(); ++number) {
    if (!stalls(number)) relays_[number]->on_deadline(network_.now());
  }
}

void World::run_until(ms::Time limit) {
  auto& timeline = network_.timeline();
  settle();
  for (int step = 0; step < 5'000'000; ++step) {
    const auto event = timeline.next();
    const auto deadline = next_deadline();
    const ms::Time next = std::min(event.value_or(ms::Time::max()), deadline.value_or(ms::Time::max()));
    if (next > limit || next == ms::Time::max()) {
      timeline.skip_to(limit);
      return;
    }
    if (event && *event <= next) {
      timeline.step();
      ++outcome_.events;
    } else {
      timeline.skip_to(next);
    }
    if (deadline && *deadline <= timeline.now()) pass_deadlines();
    settle();
  }
  journal_.fault("there is no end of things to happen");
}

void World::publish(const Step& step) {
  const bool whole = step.kind == Step::Kind::Object;
  if (!whole && script_.tracks[step.track].datagrams) return;
  const auto object = journal_.make_object(step.track, step.choice, whole ? step.size : step.size + 2, whole);
  if (!object) return;
  for (const std::size_t each : script_.tracks[step.track].publishers) {
    publishers_[each].write(*object, whole ? object->size : object->size / 2);
  }
  if (!whole) end_subgroup(step.track, object->subgroup, /*finished=*/false);
}

void World::end_subgroup(std::size_t track, SubgroupName name, bool finished) {
  const auto found = journal_.track(track).subgroups.find(name);
  if (found == journal_.track(track).subgroups.end() || std::exchange(found->second.ended, true)) return;
  for (const std::size_t each : script_.tracks[track].publishers) {
    if (finished) {
      publishers_[each].finish(track, name);
    } else {
      publishers_[each].reset(track, name);
    }
  }
}

void World::perform(const Step& step) {
  using Kind = Step::Kind;
  Client& client = clients_[std::min(step.actor, clients_.size() - 1)];
  switch (step.kind) {
    case Kind::Object:
    case Kind::PartAndReset: publish(step); break;
    case Kind::NextGroup: ++journal_.track(step.track).group; break;
    case Kind::Finish:
    case Kind::Reset:
      end_subgroup(step.track, {journal_.track(step.track).group, step.choice}, step.kind == Kind::Finish);
      break;
    case Kind::Subscribe:
      subscriber(step.actor)
          ->subscribe(step.track, static_cast<std::uint8_t>(step.choice), step.size % 4, step.timeout);
      break;
    case Kind::Listen: subscriber(step.actor)->listen_or_not(); break;
    case Kind::Fetch: subscriber(step.actor)->fetch(step.track, step.choice, step.choice + step.size % 3); break;
    case Kind::Unsubscribe: subscriber(step.actor)->unsubscribe(step.track); break;
    case Kind::Reprioritize:
      subscriber(step.actor)->reprioritize(step.track, static_cast<std::uint8_t>(step.choice));
      break;
    case Kind::Forward: subscriber(step.actor)->forward(step.track, step.choice != 0); break;
    case Kind::Pause:
      client.paused = true;
      if (client.near && client.near->reads_everything()) client.near->read(0);
      break;
    case Kind::Feed:
      if (client.near && !client.near->reads_everything()) client.near->read(step.size);
      break;
    case Kind::Resume:
      if (client.near) client.near->read(SessionEnd::kEverything);
      break;
    case Kind::Cut:
      if (client.link) client.link->cut();
      if (Publisher* who = publisher(step.actor); who != nullptr && client.near) who->link_cut();
      break;
    case Kind::Close:
      if (client.near) client.near->close(moqt::SessionErrorCode::kNoError, "done");
      break;
    case Kind::Connect: connect(step.actor); break;
    case Kind::Storm:
      if (client.link) {
        auto to_server = client.link->options().to_server;
        auto to_client = client.link->options().to_client;
        to_server.loss_per_million = to_client.loss_per_million = static_cast<std::uint32_t>(step.choice);
        client.link->set_paths(to_server, to_client);
        journal_.datagrams_may_be_lost = true;
      }
      break;
    case Kind::Narrow:
      if (client.link) client.link->set_datagram_size(static_cast<std::size_t>(step.size));
      journal_.datagrams_may_be_lost = true;
      break;
    case Kind::Goaway:
      if (client.far && client.far->session().goaway()) client.far->make_ready();
      break;
    case Kind::CutHop: cut_hop(step.actor); break;
    case Kind::RestartRelay: restart_relay(step.actor); break;
    case Kind::Stall: stall(step.actor, std::chrono::milliseconds(step.size)); break;
    case Kind::Calm:
      if (client.link) client.link->set_paths(script_.links[step.actor].to_server, script_.links[step.actor].to_client);
      break;
  }
}

bool World::at_rest() const {
  bool rests = true;
  for_each_end([&](const SessionEnd& end, std::optional<std::size_t>) { rests = rests && end.at_rest(); });
  return rests;
}

Outcome World::run() {
  for (std::size_t client = 0; client < clients_.size(); ++client) connect(client);
  const ms::Time begin = network_.now() + 500ms;
  for (const Step& step : script_.steps) {
    run_until(begin + step.at);
    perform(step);
    settle();
    check_accounts();
  }
  run_until(network_.now() + 1s);
  // From here on nothing disturbs: what has been published has to arrive.
  for (Client& client : clients_) {
    if (client.near) client.near->read(SessionEnd::kEverything);
    if (!client.link || client.link->is_cut()) continue;
    auto to_server = client.link->options().to_server;
    auto to_client = client.link->options().to_client;
    to_server.loss_per_million = to_client.loss_per_million = 0;
    client.link->set_paths(to_server, to_client);
  }
  for (std::size_t track = 0; track < journal_.size(); ++track) {
    for (const auto& [name, subgroup] : journal_.track(track).subgroups) end_subgroup(track, name, /*finished=*/true);
  }
  // With narrow windows over a long way this takes its time.
  for (int wait = 0; wait < 100 && (wait == 0 || !at_rest()); ++wait) run_until(network_.now() + 60s);
  check_rest();
  check_deliveries();
  check_accounts();
  for (Subscriber& each : subscribers_) each.unsubscribe_all();
  run_until(network_.now() + 20s);
  for (Publisher& each : publishers_) each.withdraw();
  run_until(network_.now() + 20s);
  check_ends();
  for (Client& client : clients_) {
    if (client.near) client.near->close(moqt::SessionErrorCode::kNoError, "the end");
  }
  run_until(network_.now() + 20s);
  check_accounts();
  end_hops();
  run_until(network_.now() + 20s);
  // Until nothing is kept for those who may ask for it.
  run_until(network_.now() + relay::RelayLimits{}.cache_duration + 5s);
  clients_.clear();
  hops_.clear();
  for (const auto& relay : relays_) {
    const auto memory = relay->counters();
    if (memory.memory_bytes != 0) {
      journal_.fault("a relay's ledger has " + std::to_string(memory.memory_bytes) +
                     " bytes although all is over: " + std::to_string(memory.memory_sessions_bytes) + " of sessions, " +
                     std::to_string(memory.memory_tracks_bytes) + " of tracks");
    }
    if (memory.sessions != 0) journal_.fault("a relay has sessions left although every client is gone");
  }
  outcome_.faults = journal_.faults();
  return outcome_;
}

}  // namespace msquic_py::simulation
