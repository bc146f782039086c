#include "simulation/script.h"

#include <algorithm>
#include <numeric>
#include <sstream>

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

std::string milliseconds(Duration duration) {
  std::ostringstream out;
  out << std::chrono::duration<double, std::milli>(duration).count() << " ms";
  return out.str();
}

}  // namespace

Script make_script(std::uint64_t seed, const Dimensions& dimensions) {
  Random random(Random(seed).next());
  Script script;
  script.seed = seed;
  script.publishers = random.between(dimensions.several_publishers ? 2 : 1, 3);
  script.subscribers = random.between(1, 4);
  script.direct = !dimensions.several_publishers && dimensions.chain < 2 && random.chance(250'000);
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
    if (dimensions.chain > 1) plan.datagrams = plan.announced_by_publish = false;
    plan.extensions = random.chance(300'000);
    plan.priority = static_cast<std::uint8_t>(random.chance(500'000) ? 128 : random.below(256));
  }
  if (script.direct) script.publishers = 0;
  for (std::size_t client = 0; client < script.clients(); ++client) {
    script.links.push_back(make_link(random, temper));
    script.links.back().seed = random.next();
  }
  if (temper.slow_readers && random.chance(800'000)) script.relay_queue_limit = random.between(500, 50'000);
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
  for (std::size_t hop = 1; hop < dimensions.chain; ++hop) script.hops.push_back(make_hop(random));
  const std::uint64_t blows = script.hops.empty() ? 0 : random.below(5);  // one script in five has none
  for (std::uint64_t blow = 0; blow < blows; ++blow) {
    const bool restarts = script.hops.size() > 1 && random.chance(500'000);
    script.steps.push_back(
        {.kind = restarts ? Step::Kind::RestartRelay : Step::Kind::CutHop,
         .at = std::chrono::microseconds(random.below(kMicroseconds)),
         .actor = restarts ? 1 + random.below(script.hops.size() - 1) : random.below(script.hops.size())});
  }
  std::stable_sort(script.steps.begin(), script.steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });
  for (LinkOptions& link : script.links) {
    const std::size_t kinds = dimensions.several_drafts ? moqt::kSupportedDrafts.size() : 1;
    script.drafts.push_back(moqt::kSupportedDrafts[random.below(kinds)]);
    // Where requests have streams of their own, they need some.
    if (dimensions.several_drafts) link.client.bidirectional_streams = link.server.bidirectional_streams = 64;
  }
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

std::string describe(const Step& step) {
  using Kind = Step::Kind;
  const std::string client = "client " + std::to_string(step.actor);
  const std::string track = "track " + std::to_string(step.track);
  const std::string choice = std::to_string(step.choice);
  const std::string size = std::to_string(step.size) + " bytes";
  const std::string at = milliseconds(step.at) + ": ";
  switch (step.kind) {
    case Kind::Object: return at + track + ": object of " + size + " in subgroup " + choice;
    case Kind::NextGroup: return at + track + ": next group";
    case Kind::Finish: return at + track + ": subgroup " + choice + " ends";
    case Kind::Reset: return at + track + ": subgroup " + choice + " is reset";
    case Kind::PartAndReset:
      return at + track + ": part of an object of " + size + ", then subgroup " + choice + " is reset";
    case Kind::Subscribe:
      return at + client + " subscribes to " + track + " with priority " + choice + " and filter " +
             std::to_string(step.size % 4) +
             (step.timeout == 0 ? "" : ", timeout " + std::to_string(step.timeout) + " ms");
    case Kind::Listen: return at + client + " listens for what is offered, or no more";
    case Kind::Fetch:
      return at + client + " fetches groups " + choice + " to " + std::to_string(step.choice + step.size % 3) + " of " +
             track;
    case Kind::Unsubscribe: return at + client + " unsubscribes from " + track;
    case Kind::Reprioritize: return at + client + ", " + track + ": priority " + choice;
    case Kind::Forward: return at + client + ", " + track + ": forward " + choice;
    case Kind::Pause: return at + client + " stops reading";
    case Kind::Feed: return at + client + " reads " + size;
    case Kind::Resume: return at + client + " reads everything";
    case Kind::Cut: return at + client + " is cut off";
    case Kind::Close: return at + client + " closes its session";
    case Kind::Connect: return at + client + " connects again";
    case Kind::Storm: return at + client + ": loss of " + choice + " in a million";
    case Kind::Narrow: return at + client + ": datagrams of at most " + size;
    case Kind::Goaway: return at + client + " is asked to leave";
    case Kind::Calm: return at + client + ": loss as at first";
    case Kind::CutHop:
      return at + "relay " + std::to_string(step.actor + 1) + " is cut off from relay " + std::to_string(step.actor);
    case Kind::RestartRelay: return at + "relay " + std::to_string(step.actor) + " is restarted";
  }
  return at;
}

std::string describe_setting(const Script& script) {
  std::ostringstream out;
  for (std::size_t client = 0; client < script.links.size(); ++client) {
    const LinkOptions& link = script.links[client];
    out << "client " << client << (client < script.publishers ? " (publisher)" : " (subscriber)");
    out << ", " << moqt::alpn(script.drafts[client]);
    for (const auto* path : {&link.to_server, &link.to_client}) {
      out << (path == &link.to_server ? "; to the relay " : "; from it ") << milliseconds(path->latency) << " + "
          << milliseconds(path->jitter) << ", loss " << path->loss_per_million << ", " << path->bytes_per_second
          << " B/s";
    }
    for (const auto* admits : {&link.client, &link.server}) {
      out << (admits == &link.client ? "; admits " : "; is admitted ") << admits->stream_window << " a stream, "
          << admits->connection_window << " in all, " << admits->unidirectional_streams << " streams";
    }
    out << "\n";
  }
  for (std::size_t track = 0; track < script.tracks.size(); ++track) {
    const TrackPlan& plan = script.tracks[track];
    out << "track " << track << " of client";
    for (const std::size_t publisher : plan.publishers) out << " " << publisher;
    out << (plan.datagrams ? ", datagrams" : "") << (plan.announced_by_publish ? ", by PUBLISH" : "")
        << (plan.extensions ? ", extensions" : "") << ", priority " << int{plan.priority} << "\n";
  }
  for (std::size_t hop = 0; hop < script.hops.size(); ++hop) {
    const LinkOptions& link = script.hops[hop];
    out << "relay " << hop + 1 << " behind relay " << hop << ": up " << milliseconds(link.to_server.latency)
        << ", loss " << link.to_server.loss_per_million << "; down " << milliseconds(link.to_client.latency)
        << ", loss " << link.to_client.loss_per_million << "; a loss is noticed after "
        << milliseconds(link.idle_timeout) << "\n";
  }
  if (script.direct) out << "no relay: every client has a publisher of its own\n";
  out << "the relay queues " << script.relay_queue_limit << " bytes; streams of a session: " << script.stream_limit
      << "\n";
  return out.str();
}

}  // namespace msquic_py::simulation
