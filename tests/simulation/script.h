#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moqt/model/draft.h"
#include "transport/memory/link_options.h"
#include "transport/memory/timeline.h"

namespace msquic_py::simulation {

using transport::memory::Duration;

/// One thing that somebody does at some moment. Every step makes sense whatever became of the others, so that any of
/// them may be left out; what it refers to is looked up when its time comes.
struct Step {
  enum class Kind : std::uint8_t {
    Object,        ///< publisher of `track`: the next object, of `size` bytes, into subgroup `choice` of its group
    NextGroup,     ///< publisher of `track`: later objects are of a new group
    Finish,        ///< publisher of `track`: FIN of subgroup `choice`
    Reset,         ///< publisher of `track`: reset of subgroup `choice`
    PartAndReset,  ///< publisher of `track`: part of an object into subgroup `choice`, then a reset
    Subscribe,     ///< subscriber `actor` to `track`, with priority `choice`, filter `size` % 4 and `timeout`
    Listen,        ///< subscriber `actor` to whatever is offered by PUBLISH, or no more to it
    Fetch,         ///< subscriber `actor`: groups `choice` up to `choice` + `size` % 3 of `track`
    Unsubscribe,   ///< subscriber `actor` from `track`
    Reprioritize,  ///< subscriber `actor`, `track`: priority `choice`
    Forward,       ///< subscriber `actor`, `track`: Forward State `choice`
    Pause,         ///< subscriber `actor` reads nothing
    Feed,          ///< subscriber `actor` reads `size` bytes more
    Resume,        ///< subscriber `actor` reads everything
    Cut,           ///< the link of client `actor` is dead
    Close,         ///< client `actor` closes its session
    Connect,       ///< client `actor` makes a new session, if it has none
    Storm,         ///< the link of client `actor` loses `choice` of a million packets
    Narrow,        ///< the link of client `actor` takes datagrams of at most `size` bytes
    Goaway,        ///< the relay asks client `actor` to leave
    Calm,          ///< it loses as many as at first
    CutHop,        ///< the link of relay `actor` + 1 with its upstream is dead
    RestartRelay,  ///< relay `actor` dies and begins anew; its clients, and the relays around it, find out
    Stall,         ///< relay `actor` does nothing for `size` milliseconds, and then finds its clock that much further
  };
  Kind kind = Kind::Object;
  Duration at{};
  std::size_t actor = 0;
  std::size_t track = 0;
  std::uint64_t size = 0;
  std::uint64_t choice = 0;
  std::uint64_t timeout = 0;  ///< DELIVERY_TIMEOUT in milliseconds; 0: none
};

/// A track, and who publishes it how.
struct TrackPlan {
  std::vector<std::size_t> publishers;  ///< one, or several that publish the same
  bool datagrams = false;
  bool announced_by_publish = false;  ///< PUBLISH, in place of PUBLISH_NAMESPACE and a SUBSCRIBE of the relay
  bool extensions = false;
  std::uint8_t priority = 128;
};

/// How a relay is joined with its upstream.
struct HopPlan {
  std::size_t upper = 0;  ///< the upstream, one of those before it
  transport::memory::LinkOptions link;
  moqt::Draft draft = moqt::Draft::k15;  ///< of the session
};

/// What the relays of a run may spend, where that is little; 0: as much as usual.
struct RelayBudget {
  std::size_t queue = 4 * 1024 * 1024;  ///< bytes that may wait for one subscription
  std::size_t track_memory = 0;
  std::size_t session_memory = 0;
  std::size_t process_memory = 0;
  std::uint64_t rendezvous = 0;  ///< milliseconds that a lost publisher is waited for
};

/// All that a run depends on. Clients are numbered, publishers first.
struct Script {
  std::uint64_t seed = 0;
  /// No relay: every client has a publisher of all tracks at its other end.
  bool direct = false;
  std::size_t publishers = 1;  ///< clients that publish; none in a direct script
  std::size_t subscribers = 1;
  std::vector<TrackPlan> tracks;
  std::vector<transport::memory::LinkOptions> links;  ///< by client
  std::vector<moqt::Draft> drafts;                    ///< by client, of its sessions
  std::vector<std::size_t> homes;                     ///< by client: the relay that it is connected to
  std::vector<HopPlan> hops;                          ///< of relay 1, 2, ...; relay 0 has no upstream
  RelayBudget budget;
  std::size_t stream_limit = 1024;  ///< of the sessions, for outgoing and incoming data streams
  std::vector<Step> steps;          ///< in the order of time

  [[nodiscard]] std::size_t clients() const noexcept { return publishers + subscribers; }
};

/// What a script may have in it beyond what is always drawn.
struct Dimensions {
  bool several_publishers = false;  ///< of one track
  bool several_drafts = false;      ///< each session speaks one of them
  std::size_t chain = 1;            ///< relays in a row, the publishers at one end; what joins them is cut
  std::size_t tree = 1;             ///< relays in any order, and everybody at any of them; the same
  bool restarts = false;            ///< of relays
  bool stalls = false;              ///< of relays
  bool little_memory = false;       ///< at relays

  [[nodiscard]] std::size_t relays() const noexcept { return std::max(chain, tree); }
};

/// The script that follows from the seed.
Script make_script(std::uint64_t seed, const Dimensions& dimensions = {});
/// The same with only the steps whose places are in `keep`, which ascend.
Script keep_steps(const Script& script, const std::vector<std::size_t>& keep);

std::string describe(const Step& step);
/// What surrounds the steps, one line for each thing.
std::string describe_setting(const Script& script);

}  // namespace msquic_py::simulation
