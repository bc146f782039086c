#pragma once

#include <cstdint>
#include <unordered_map>

#include "moqt/session/event.h"
#include "relay/peer.h"
#include "relay/relay_limits.h"
#include "relay/sources.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Answers TRACK_STATUS [d15 §9.19] from what the relay knows, or asks a publisher on the peer's behalf.
class StatusQueries {
 public:
  StatusQueries(const RelayLimits& limits, const Sources& sources, const TrackTable& tracks) noexcept
      : limits_(limits), sources_(sources), tracks_(tracks) {}

  void on_received(Peer& peer, const moqt::session::TrackStatusReceived& event);
  void on_accepted(Peer& publisher, std::uint64_t query, const moqt::session::RequestAccepted& event);
  void on_rejected(Peer& publisher, std::uint64_t query, const moqt::session::RequestRejected& event);
  void peer_left(Peer& peer);

 private:
  struct Pending {
    Peer* asker;
    moqt::session::RequestHandle request;
    moqt::FullTrackName track;
    std::vector<std::uint64_t> asked;  ///< numbers of the peers
  };
  /// Asks the next who may know. False when there is none.
  bool ask(Pending pending, bool& busy);
  void refuse(const Pending& pending, moqt::RequestErrorCode code, std::string_view reason);

  const RelayLimits& limits_;
  const Sources& sources_;
  const TrackTable& tracks_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t next_query_ = 1;
};

}  // namespace msquic_py::relay
