#include "relay/back_pressure.h"

#include "relay/track.h"

namespace msquic_py::relay {

namespace session = moqt::session;

void BackPressure::stream_begun(Peer& peer, session::IncomingStreamId stream, Track& track) {
  if (track.held) peer.session.pause_stream(stream);
}

void BackPressure::track_grew(Track& track, session::Time now) {
  if (!limits_.hold_publishers || track.held) return;
  // What is on its way still comes, so that half of the room is left for it.
  if (track.publisher().most_queued_bytes() <= limits_.max_queued_bytes_per_subscription / 2) return;
  track.held = true;
  ++counters_.publishers_held;
  held_.push_back({track.name(), now});
  pause(track, true);
}

void BackPressure::settle(session::Time now) {
  std::erase_if(held_, [&](const Held& held) {
    Track* const track = tracks_.find(held.track);
    if (track == nullptr || !track->held) return true;
    const bool waited = limits_.max_queue_age.count() > 0 && now - held.since > limits_.max_queue_age;
    const std::size_t enough = limits_.max_queued_bytes_per_subscription / 4;
    if (!waited && track->publisher().most_queued_bytes() > enough) return false;
    track->held = false;
    pause(*track, false);
    return true;
  });
}

void BackPressure::pause(Track& track, bool paused) {
  for (const Track::Upstream& upstream : track.upstreams()) {
    Peer& peer = *upstream.peer;
    for (const auto& [stream, incoming] : peer.subgroups) {
      if (incoming.track != &track) continue;
      if (paused) {
        peer.session.pause_stream(stream);
      } else {
        peer.session.resume_stream(stream);
      }
    }
    peer.outlet.make_ready();
  }
}

}  // namespace msquic_py::relay
