#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moqt/model/location.h"
#include "moqt/session/handles.h"
#include "moqt/session/session.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"

namespace msquic_py::relay {

struct Peer;

/// One subscriber's subscription to a track, and how far behind it is.
class Downstream {
 public:
  Downstream(std::uint64_t serial, Peer& peer, moqt::session::RequestHandle request) noexcept
      : serial_(serial), peer_(peer), request_(request) {}

  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
  [[nodiscard]] Peer& peer() const noexcept { return peer_; }
  [[nodiscard]] moqt::session::RequestHandle request() const noexcept { return request_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  /// Whether an object at `location` is to be sent. Decides here, at an object's beginning, that a subscriber who
  /// has too much waiting skips to the next group, or has fallen too far behind for good.
  bool admits(moqt::Location location, const RelayLimits& limits, RelayCounters& counters);

  /// Bytes of objects that were handed to the session for this subscriber.
  void note_sent(std::size_t bytes) noexcept { sent_since_skip_ += bytes; }

  /// Whether the subscriber's filter covers `location`, sent or not: leaving such an object out makes a gap.
  [[nodiscard]] bool covers(moqt::Location location) const noexcept;

  /// `stream` has a gap, so it must not be finished (section 10.4.3): it is reset once what was sent has arrived.
  void retire(moqt::session::StreamHandle stream, moqt::session::Time now);
  /// Resets retired streams whose time has come. True when none is left.
  bool settle(moqt::session::Time now, const RelayLimits& limits);

  /// PUBLISH_DONE; resets open streams first when `abandon`.
  void end(moqt::PublishDoneCode code, std::string_view reason, bool abandon);

 private:
  struct RetiredStream {
    moqt::session::StreamHandle stream;
    moqt::session::Time since;
  };
  void fall_behind(std::uint64_t group, const RelayLimits& limits, RelayCounters& counters);
  /// Whether nothing waits any more and some of what was sent since the latest skip has arrived.
  [[nodiscard]] bool caught_up(const moqt::session::PublishedSubscription& published) const noexcept;

  std::uint64_t serial_;
  Peer& peer_;
  moqt::session::RequestHandle request_;
  bool ended_ = false;
  std::uint64_t first_group_admitted_ = 0;  ///< everything before it is skipped
  std::uint64_t largest_group_admitted_ = 0;
  std::size_t consecutive_skips_ = 0;  ///< without having caught up in between
  std::size_t sent_since_skip_ = 0;
  std::vector<RetiredStream> retired_;
};

}  // namespace msquic_py::relay
