#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "moqt/session/event.h"
#include "relay/peer.h"
#include "relay/relay_limits.h"
#include "relay/sources.h"

namespace msquic_py::relay {

/// FETCHes whose start is relative to the largest object (draft-22 section 9.20.9), of tracks of which the relay knows
/// none: a publisher is asked for that first, by TRACK_STATUS.
class LargestQueries {
 public:
  LargestQueries(const RelayLimits& limits, const Sources& sources) noexcept : limits_(limits), sources_(sources) {}

  /// Asks on behalf of `peer`, or refuses the fetch.
  void ask(Peer& peer, const moqt::session::FetchReceived& fetch);

  /// A fetch that can be answered now.
  struct Resolved {
    Peer* asker;
    moqt::session::FetchReceived fetch;
  };
  /// Nothing when it has been refused, or is no more.
  [[nodiscard]] std::optional<Resolved> on_accepted(Peer& publisher, std::uint64_t query,
                                                    const moqt::session::RequestAccepted& event);
  void on_rejected(Peer& publisher, std::uint64_t query, const moqt::session::RequestRejected& event);
  void on_cancelled(Peer& peer, moqt::session::RequestHandle request);
  void peer_left(Peer& peer);

 private:
  struct Pending {
    Peer* asker;
    moqt::session::FetchReceived fetch;
    std::vector<std::uint64_t> asked;  ///< numbers of the peers
  };
  /// Asks the next who may know. False when there is none.
  bool ask(Pending& pending);
  static void refuse(const Pending& pending, moqt::RequestErrorCode code, std::string_view reason);

  const RelayLimits& limits_;
  const Sources& sources_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t next_query_ = 1;
};

}  // namespace msquic_py::relay
