#pragma once

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
    CutHop,        ///< the link of relay `actor` + 1 with relay `actor` is dead
    RestartRelay,  ///< relay `actor` dies and begins anew, if it has relays on both sides
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
  /// Between relays in a row: the first one has the publishers, the last one the subscribers. None: there is one relay.
  std::vector<transport::memory::LinkOptions> hops;
  std::size_t relay_queue_limit = 4 * 1024 * 1024;
  std::size_t stream_limit = 1024;  ///< of the sessions, for outgoing and incoming data streams
  std::vector<Step> steps;          ///< in the order of time

  [[nodiscard]] std::size_t clients() const noexcept { return publishers + subscribers; }
};

/// What a script may have in it beyond what is always drawn.
struct Dimensions {
  bool several_publishers = false;  ///< of one track
  bool several_drafts = false;      ///< each client speaks one of them
  std::size_t chain = 1;            ///< relays in a row; they are restarted, and what joins them is cut
};

/// The script that follows from the seed.
Script make_script(std::uint64_t seed, const Dimensions& dimensions = {});
/// The same with only the steps whose places are in `keep`, which ascend.
Script keep_steps(const Script& script, const std::vector<std::size_t>& keep);

std::string describe(const Step& step);
/// What surrounds the steps, one line for each thing.
std::string describe_setting(const Script& script);

}  // namespace msquic_py::simulation
