#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "moqt/model/draft.h"

namespace msquic_py::bench {

/// One measurement: a publisher, a relay process (or a bare sender in place of both), and `subscribers` connections
/// that all receive the same track.
struct FanoutPlan {
  std::string relay;      ///< path of moqt-relay
  std::size_t loops = 0;  ///< its event loops; 0: as many as it finds right
  /// Path of bare_fanout, which sends in the relay's place; no publisher then, and no rate of 0. Empty: the relay.
  std::string bare;
  /// `bare` forwards what the publisher sends, as a relay does, without understanding it; rate 0 as with a relay.
  bool forward = false;
  /// What the publisher and the subscribers speak; `bare` knows draft-15 alone.
  moqt::Draft draft = moqt::Draft::k15;
  std::size_t subscribers = 1;
  std::size_t payload_size = 1200;
  std::size_t objects_per_group = 50;
  /// Objects per second; 0: as fast as `in_flight` allows.
  double rate = 500;
  bool datagrams = false;  ///< each object a datagram, in place of subgroup streams
  /// With rate 0: objects that may be under way per subscriber, on average, before the publisher waits.
  std::size_t in_flight = 64;
  std::chrono::milliseconds warm_up{1000};
  std::chrono::milliseconds duration{5000};
  /// After that, one subscriber reads no more for so long; 0: all of them do. With a relay only.
  std::chrono::milliseconds stuck{0};
  /// After that, so many further subscribers come and go, `visits_per_second` of them.
  std::size_t visitors = 0;
  double visits_per_second = 50;
  /// How long the last objects may take.
  std::chrono::milliseconds drain{10'000};
};

struct FanoutResult {
  std::uint64_t sent = 0;       ///< objects, warm-up included
  std::uint64_t delivered = 0;  ///< objects × subscribers while the relay's CPU time was counted
  std::uint64_t lost = 0;       ///< over everything sent
  std::uint64_t duplicated = 0;
  double seconds = 0;  ///< while the relay's CPU time was counted; the bare sender's, where that stands in its place
  double relay_cpu_us_per_object = 0;
  double relay_cpu_share = 0;  ///< of one core
  double delay_p50_us = 0;
  double delay_p99_us = 0;
  double delay_max_us = 0;

  // While one subscriber read no more, FanoutPlan::stuck.
  double stuck_seconds = 0;
  std::uint64_t resident_before = 0;  ///< bytes of the relay's memory when it stopped
  std::uint64_t resident_most = 0;    ///< the most since then

  // While others came and went, FanoutPlan::visitors.
  std::uint64_t visitors_served = 0;
  std::uint64_t visitors_turned_away = 0;
  double visitors_seconds = 0;
  double relay_cpu_us_per_visitor = 0;  ///< what the relay did beyond its share before, for each of them

  // In the meantime, of either kind: delays of the subscribers that stay and read.
  double others_p50_us = 0;
  double others_p99_us = 0;
  double others_max_us = 0;
};

/// Throws std::runtime_error when the relay or a connection fails.
FanoutResult run_fanout(const FanoutPlan& plan);

}  // namespace msquic_py::bench
