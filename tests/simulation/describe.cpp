// What a script is, in words.
#include <sstream>

#include "simulation/script.h"

namespace msquic_py::simulation {

namespace {

using transport::memory::LinkOptions;

std::string milliseconds(Duration duration) {
  std::ostringstream out;
  out << std::chrono::duration<double, std::milli>(duration).count() << " ms";
  return out.str();
}

}  // namespace

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
    case Kind::CutHop: return at + "relay " + std::to_string(step.actor + 1) + " is cut off from its upstream";
    case Kind::RestartRelay: return at + "relay " + std::to_string(step.actor) + " is restarted";
    case Kind::Stall:
      return at + "relay " + std::to_string(step.actor) + " does nothing for " + std::to_string(step.size) + " ms";
  }
  return at;
}

std::string describe_setting(const Script& script) {
  std::ostringstream out;
  for (std::size_t client = 0; client < script.links.size(); ++client) {
    const LinkOptions& link = script.links[client];
    out << "client " << client << (client < script.publishers ? " (publisher)" : " (subscriber)");
    if (!script.direct) out << " of relay " << script.homes[client];
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
  for (std::size_t number = 0; number < script.hops.size(); ++number) {
    const HopPlan& hop = script.hops[number];
    out << "relay " << number + 1 << " behind relay " << hop.upper << ", " << moqt::alpn(hop.draft) << ": up "
        << milliseconds(hop.link.to_server.latency) << ", loss " << hop.link.to_server.loss_per_million << "; down "
        << milliseconds(hop.link.to_client.latency) << ", loss " << hop.link.to_client.loss_per_million
        << "; a loss is noticed after " << milliseconds(hop.link.idle_timeout) << "\n";
  }
  if (script.direct) out << "no relay: every client has a publisher of its own\n";
  const RelayBudget& budget = script.budget;
  out << "a relay queues " << budget.queue << " bytes; streams of a session: " << script.stream_limit << "\n";
  if (budget.track_memory + budget.session_memory + budget.process_memory + budget.rendezvous > 0) {
    out << "a relay has " << budget.track_memory << " bytes for a track, " << budget.session_memory
        << " for a session, " << budget.process_memory << " in all (0: as usual), and waits " << budget.rendezvous
        << " ms for a publisher\n";
  }
  return out.str();
}

}  // namespace msquic_py::simulation
