#include "simulation/script.h"

#include <algorithm>
#include <numeric>

#include "transport/memory/random.h"

namespace msquic_py::simulation {

namespace {

using transport::memory::LinkOptions;
using transport::memory::Path;
using transport::memory::Random;
using namespace std::chrono_literals;

/// What a run is about; each seed has some of these.
struct Temper {
  bool lossy = false;
  bool jittery = false;
  bool narrow_windows = false;
  bool slow_readers = false;
  bool disconnects = false;
  bool resets = false;
  bool updates = false;
  bool tight_limits = false;
  bool bursts = false;
  bool timeouts = false;
  bool departures = false;
  bool fetches = false;
};

Temper make_temper(Random& random) {
  // One seed in four is calm: there everything that is published has to arrive.
  const bool calm = random.chance(250'000);
  Temper temper;
  temper.fetches = random.chance(400'000);
  temper.bursts = random.chance(400'000);
  if (calm) {
    temper.jittery = random.chance(500'000);
    temper.narrow_windows = random.chance(300'000);
    return temper;
  }
  temper.lossy = random.chance(500'000);
  temper.jittery = random.chance(500'000);
  temper.narrow_windows = random.chance(400'000);
  temper.slow_readers = random.chance(400'000);
  temper.disconnects = random.chance(300'000);
  temper.resets = random.chance(400'000);
  temper.updates = random.chance(300'000);
  temper.tight_limits = random.chance(200'000);
  temper.timeouts = random.chance(200'000);
  temper.departures = random.chance(200'000);
  return temper;
}

Path make_path(Random& random, const Temper& temper) {
  Path path;
  path.latency = std::chrono::microseconds(random.between(100, 80'000));
  if (temper.jittery) path.jitter = std::chrono::microseconds(random.between(0, 40'000));
  if (temper.lossy) path.loss_per_million = static_cast<std::uint32_t>(random.between(0, 150'000));
  if (random.chance(300'000)) path.bytes_per_second = random.between(20'000, 2'000'000);
  return path;
}

LinkOptions make_link(Random& random, const Temper& temper) {
  LinkOptions options;
  options.to_server = make_path(random, temper);
  options.to_client = make_path(random, temper);
  for (auto* admits : {&options.client, &options.server}) {
    if (temper.narrow_windows && random.chance(600'000)) {
      admits->stream_window = random.between(64, 8'000);
      admits->connection_window = random.between(512, 32'000);
      if (random.chance(300'000)) admits->unidirectional_streams = random.between(2, 20);
    }
  }
  options.first_congestion_window = random.between(2'400, 24'000);
  options.idle_timeout = 3s;
  return options;
}

std::uint64_t make_size(Random& random) {
  switch (random.below(6)) {
    case 0: return random.below(4);
    case 1: return random.between(1'000, 1'400);
    case 2: return random.between(2'000, 40'000);
    default: return random.between(10, 900);
  }
}

LinkOptions make_hop(Random& random) {
  LinkOptions options;
  for (Path* path : {&options.to_server, &options.to_client}) {
    path->latency = std::chrono::microseconds(random.between(100, 40'000));
    path->jitter = std::chrono::microseconds(random.between(0, 10'000));
    if (random.chance(300'000)) path->loss_per_million = static_cast<std::uint32_t>(random.between(0, 50'000));
  }
  options.idle_timeout = std::chrono::milliseconds(random.between(100, 1'500));
  options.seed = random.next();
  return options;
}

/// How long a script is.
constexpr std::uint64_t kMicroseconds = 4'000'000;

Step make_step(Random& random, const Script& script, const Temper& temper, std::size_t publishing) {
  using Kind = Step::Kind;
  Step step;
  step.at = std::chrono::microseconds(random.below(kMicroseconds));
  if (temper.bursts && random.chance(800'000)) step.at -= step.at % std::chrono::milliseconds(500);
  step.track = random.below(script.tracks.size());
  step.size = make_size(random);
  step.choice = random.below(3);
  if (random.below(100) < publishing) {
    const std::uint64_t what = random.below(20);
    step.kind = what < 14 ? Kind::Object : what < 17 ? Kind::NextGroup : Kind::Finish;
    if (temper.resets && what == 19) step.kind = random.chance(500'000) ? Kind::Reset : Kind::PartAndReset;
    return step;
  }
  step.actor = script.publishers + random.below(script.subscribers);
  std::vector<Kind> kinds{Kind::Subscribe, Kind::Subscribe, Kind::Subscribe, Kind::Unsubscribe, Kind::Listen};
  if (temper.fetches) kinds.insert(kinds.end(), {Kind::Fetch, Kind::Fetch});
  if (temper.updates) kinds.insert(kinds.end(), {Kind::Reprioritize, Kind::Forward});
  if (temper.slow_readers) kinds.insert(kinds.end(), {Kind::Pause, Kind::Feed, Kind::Feed, Kind::Resume});
  if (temper.disconnects) kinds.insert(kinds.end(), {Kind::Cut, Kind::Close, Kind::Connect, Kind::Connect});
  if (temper.lossy) kinds.insert(kinds.end(), {Kind::Storm, Kind::Calm, Kind::Narrow});
  if (temper.departures) kinds.insert(kinds.end(), {Kind::Goaway, Kind::Connect});
  step.kind = kinds[random.below(kinds.size())];
  switch (step.kind) {
    case Kind::Subscribe:
      if (temper.timeouts && random.chance(500'000)) step.timeout = random.between(1, 400);
      [[fallthrough]];
    case Kind::Reprioritize: step.choice = 32 * random.below(8); break;
    case Kind::Narrow: step.size = random.between(50, 1'200); break;
    case Kind::Forward: step.choice = random.below(2); break;
    case Kind::Storm: step.choice = random.between(100'000, 900'000); break;
    case Kind::Cut:
    case Kind::Close:
    case Kind::Goaway:
    case Kind::Connect: step.actor = random.below(script.clients()); break;
    default: break;
  }
  return step;
}

moqt::Draft make_draft(Random& random, const Dimensions& dimensions, LinkOptions& link) {
  const std::size_t kinds = dimensions.several_drafts ? moqt::kSupportedDrafts.size() : 1;
  // Where requests have streams of their own, they need some.
  if (dimensions.several_drafts) link.client.bidirectional_streams = link.server.bidirectional_streams = 64;
  return moqt::kSupportedDrafts[random.below(kinds)];
}

/// A client whose relay was restarted notices, and begins again with some of what it wanted.
void add_return(Random& random, Script& script, std::size_t client, Duration after) {
  const Duration at = after + script.links[client].idle_timeout + std::chrono::milliseconds(random.between(1, 2'000));
  script.steps.push_back({.kind = Step::Kind::Connect, .at = at, .actor = client});
  if (client < script.publishers) return;
  for (std::size_t track = 0; track < script.tracks.size(); ++track) {
    if (random.chance(500'000)) continue;
    script.steps.push_back({.kind = Step::Kind::Subscribe,
                            .at = at + std::chrono::milliseconds(random.below(2'000)),
                            .actor = client,
                            .track = track,
                            .size = random.below(4),
                            .choice = 32 * random.below(8)});
  }
}

void add_restart(Random& random, Script& script) {
  const std::size_t relay = random.below(script.hops.size() + 1);
  const Duration at = std::chrono::microseconds(random.below(kMicroseconds));
  script.steps.push_back({.kind = Step::Kind::RestartRelay, .at = at, .actor = relay});
  for (std::size_t client = 0; client < script.clients(); ++client) {
    if (script.homes[client] == relay) add_return(random, script, client, at);
  }
}

/// Who is connected to which relay, and what happens to relays.
void add_relays(Random& random, Script& script, const Dimensions& dimensions) {
  for (std::size_t hop = 1; hop < dimensions.relays(); ++hop) {
    const std::size_t upper = dimensions.tree > 1 ? random.below(hop) : hop - 1;
    script.hops.push_back({.upper = upper, .link = make_hop(random)});
  }
  for (std::size_t client = 0; client < script.clients(); ++client) {
    const std::size_t last = client < script.publishers ? 0 : script.hops.size();
    script.homes.push_back(dimensions.tree > 1 ? random.below(dimensions.tree) : last);
  }
  const std::uint64_t blows = script.hops.empty() ? 0 : random.below(5);  // one script in five has none
  for (std::uint64_t blow = 0; blow < blows; ++blow) {
    const bool restarts = script.hops.size() > 1 && random.chance(500'000);
    script.steps.push_back(
        {.kind = restarts ? Step::Kind::RestartRelay : Step::Kind::CutHop,
         .at = std::chrono::microseconds(random.below(kMicroseconds)),
         .actor = restarts ? 1 + random.below(script.hops.size() - 1) : random.below(script.hops.size())});
  }
  if (script.direct) return;
  if (dimensions.restarts) {
    for (std::uint64_t count = random.below(3); count > 0; --count) add_restart(random, script);
  }
  if (dimensions.stalls) {
    for (std::uint64_t count = random.below(4); count > 0; --count) {
      script.steps.push_back({.kind = Step::Kind::Stall,
                              .at = std::chrono::microseconds(random.below(kMicroseconds)),
                              .actor = random.below(script.hops.size() + 1),
                              .size = random.between(10, 3'000)});
    }
  }
  if (dimensions.little_memory) {
    RelayBudget& budget = script.budget;
    if (random.chance(500'000)) budget.track_memory = random.between(20'000, 200'000);
    if (random.chance(300'000)) budget.session_memory = random.between(2'000, 40'000);
    if (random.chance(300'000)) budget.process_memory = random.between(50'000, 1'000'000);
    if (random.chance(300'000)) budget.rendezvous = random.between(100, 10'000);
  }
}

}  // namespace

Script make_script(std::uint64_t seed, const Dimensions& dimensions) {
  Random random(Random(seed).next());
  Script script;
  script.seed = seed;
  script.publishers = random.between(dimensions.several_publishers ? 2 : 1, 3);
  script.subscribers = random.between(1, 4);
  script.direct = !dimensions.several_publishers && dimensions.relays() < 2 && random.chance(250'000);
  const Temper temper = make_temper(random);
  const std::size_t tracks = random.between(script.publishers, script.publishers + 3);
  for (std::size_t track = 0; track < tracks; ++track) {
    TrackPlan& plan = script.tracks.emplace_back();
    plan.publishers = {track % script.publishers};
    if (dimensions.several_publishers && random.chance(700'000)) {
      plan.publishers.push_back((track + 1) % script.publishers);
    }
    if (script.direct) {
      plan.publishers.resize(script.subscribers);
      std::iota(plan.publishers.begin(), plan.publishers.end(), std::size_t{0});
    }
    plan.datagrams = random.chance(200'000);
    plan.announced_by_publish = random.chance(300'000);
    // Relays wake what is offered to them when somebody wants it, and can't tell what came as a datagram before that.
    if (dimensions.relays() > 1) plan.datagrams = plan.announced_by_publish = false;
    plan.extensions = random.chance(300'000);
    plan.priority = static_cast<std::uint8_t>(random.chance(500'000) ? 128 : random.below(256));
  }
  if (script.direct) script.publishers = 0;
  for (std::size_t client = 0; client < script.clients(); ++client) {
    script.links.push_back(make_link(random, temper));
    script.links.back().seed = random.next();
  }
  if (temper.slow_readers && random.chance(800'000)) script.budget.queue = random.between(500, 50'000);
  if (temper.tight_limits) script.stream_limit = random.between(2, 12);
  // Subscribers come early, so that there is something to see.
  for (std::size_t subscriber = 0; subscriber < script.subscribers; ++subscriber) {
    for (std::uint64_t wanted = random.between(1, tracks); wanted > 0; --wanted) {
      script.steps.push_back({.kind = Step::Kind::Subscribe,
                              .at = std::chrono::microseconds(random.below(1'000'000)),
                              .actor = script.publishers + subscriber,
                              .track = random.below(tracks),
                              .size = random.below(4),
                              .choice = 32 * random.below(8)});
    }
  }
  const std::uint64_t count = random.between(20, 250);
  const std::size_t publishing = random.between(60, 95);
  for (std::uint64_t i = 0; i < count; ++i) script.steps.push_back(make_step(random, script, temper, publishing));
  add_relays(random, script, dimensions);
  std::stable_sort(script.steps.begin(), script.steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });
  for (LinkOptions& link : script.links) script.drafts.push_back(make_draft(random, dimensions, link));
  for (HopPlan& hop : script.hops) hop.draft = make_draft(random, dimensions, hop.link);
  return script;
}

Script keep_steps(const Script& script, const std::vector<std::size_t>& keep) {
  Script result = script;
  result.steps.clear();
  for (const std::size_t place : keep) {
    if (place < script.steps.size()) result.steps.push_back(script.steps[place]);
  }
  return result;
}

}  // namespace msquic_py::simulation
