#pragma once

#include "moqt/model/malformed_track.h"
#include "moqt/session/event.h"
#include "moqt/session/time.h"
#include "relay/back_pressure.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/supply.h"

namespace msquic_py::relay {

/// The objects that publishers send, on their way into the stores of their tracks.
class Intake {
 public:
  Intake(RelayCounters& counters, Supply& supply, BackPressure& back_pressure) noexcept
      : counters_(counters), supply_(supply), back_pressure_(back_pressure) {}

  void on_subgroup(Peer& peer, const moqt::session::SubgroupOpened& event);
  void on_object(Peer& peer, const moqt::session::ObjectReceived& event, moqt::session::Time now);
  /// False when the stream is not one of a subscription.
  bool on_payload(Peer& peer, const moqt::session::ObjectPayload& event, moqt::session::Time now);
  void on_subgroup_end(Peer& peer, const moqt::session::SubgroupEnded& event, moqt::session::Time now);
  void on_datagram(Peer& peer, const moqt::session::DatagramReceived& event, moqt::session::Time now);

 private:
  void count(const Peer& peer, std::uint64_t objects, std::size_t bytes) noexcept;

  RelayCounters& counters_;
  Supply& supply_;
  BackPressure& back_pressure_;
};

}  // namespace msquic_py::relay
