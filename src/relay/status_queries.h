#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "moqt/session/event.h"
#include "relay/peer.h"
#include "relay/relay_limits.h"
#include "relay/sources.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Answers TRACK_STATUS [d15 §9.19] from what the relay knows, or asks a publisher on the peer's behalf. It also asks
/// for FETCHes whose start is relative to the largest object (draft-22 section 9.20.9), of tracks of which the relay
/// knows none.
class StatusQueries {
 public:
  StatusQueries(const RelayLimits& limits, const Sources& sources, const TrackTable& tracks) noexcept
      : limits_(limits), sources_(sources), tracks_(tracks) {}

  void on_received(Peer& peer, const moqt::session::TrackStatusReceived& event);
  /// Asks a publisher for the track's largest object, or refuses the fetch.
  void find_largest(Peer& peer, const moqt::session::FetchReceived& fetch);

  /// A fetch that can be answered now.
  struct Resolved {
    Peer* asker;
    moqt::session::FetchReceived fetch;
  };
  /// Nothing when it was asked for somebody's TRACK_STATUS, or the fetch has been refused or is no more.
  [[nodiscard]] std::optional<Resolved> on_accepted(Peer& publisher, std::uint64_t query,
                                                    const moqt::session::RequestAccepted& event);
  void on_rejected(Peer& publisher, std::uint64_t query, const moqt::session::RequestRejected& event);
  void on_fetch_cancelled(Peer& peer, moqt::session::RequestHandle request);
  void peer_left(Peer& peer);

 private:
  struct Pending {
    Peer* asker;
    moqt::session::RequestHandle request;
    moqt::FullTrackName track;
    std::chrono::milliseconds limit;
    std::vector<std::uint64_t> asked;                   ///< numbers of the peers
    std::optional<moqt::session::FetchReceived> fetch;  ///< the request, if that is no TRACK_STATUS
  };
  /// Asks the next who may know. False when there is none.
  bool ask(Pending& pending, bool& busy);
  static void refuse(const Pending& pending, moqt::RequestErrorCode code, std::string_view reason);
  static std::optional<Resolved> resolve(Pending& pending, std::optional<moqt::Location> largest);

  const RelayLimits& limits_;
  const Sources& sources_;
  const TrackTable& tracks_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t next_query_ = 1;
};

}  // namespace msquic_py::relay
