#pragma once

#include <cstddef>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/session/handles.h"
#include "moqt/session/time.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Where RelayLimits::hold_publishers says so, reads no more of a track while its slowest subscriber has much waiting:
/// QUIC's flow control then holds the publisher up. A subscriber that does not read at all is waited for as long as
/// RelayLimits::max_queue_age says; then the track goes on, and that subscriber skips.
class BackPressure {
 public:
  BackPressure(const RelayLimits& limits, RelayCounters& counters, TrackTable& tracks) noexcept
      : limits_(limits), counters_(counters), tracks_(tracks) {}

  /// `peer` has begun a stream of the track.
  void stream_begun(Peer& peer, moqt::session::IncomingStreamId stream, Track& track);
  /// More of the track has come.
  void track_grew(Track& track, moqt::session::Time now);
  /// Lets those publishers go on whose subscribers have caught up, or were waited for long enough.
  void settle(moqt::session::Time now);

 private:
  struct Held {
    moqt::FullTrackName track;
    moqt::session::Time since;
  };
  void pause(Track& track, bool paused);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  TrackTable& tracks_;
  std::vector<Held> held_;
};

}  // namespace msquic_py::relay
