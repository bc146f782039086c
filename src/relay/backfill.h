#pragma once

#include <memory>

#include "moqt/model/fetch_range.h"
#include "moqt/objects/backfill_writer.h"
#include "moqt/session/event.h"
#include "moqt/session/handles.h"
#include "moqt/session/time.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/track.h"

namespace msquic_py::relay {

/// What a track has missed between two publishers, on its way by FETCH from the second.
struct Backfill {
  Peer* publisher;
  moqt::session::RequestHandle request;
  moqt::FetchRange range;
  std::unique_ptr<moqt::objects::BackfillWriter> writer;
  bool end_of_track = false;  ///< FETCH_OK has said that the track ends with the range
  bool lacks_some = false;    ///< what may lie before the range has been refused, or something of it was left out
};

/// Fills the gap that a lost publisher has left before another goes on with a track. Until that has come, subscribers
/// are given nothing of the groups it belongs to, so that they have them in order.
class Backfills {
 public:
  Backfills(const RelayLimits& limits, RelayCounters& counters) noexcept : limits_(limits), counters_(counters) {}

  /// Asks `publisher` for what lies in `range`, which may be empty.
  void begin(Peer& publisher, Track& track, moqt::FetchRange range, moqt::session::Time now);
  /// Asks a publisher that can't be subscribed to for everything from the latest object on that is here: what it keeps
  /// of a track that has ended, or what it has had of one that is to go on. Unless something is asked for already.
  void begin_rest(Peer& publisher, Track& track, moqt::session::Time now);
  /// `range.end` of FETCH_OK may lie before what was asked for.
  void on_accepted(Track& track, const moqt::session::FetchAccepted& event);
  /// Asks for less when what has been refused began before the first group that is here.
  void on_rejected(Peer& peer, Track& track, moqt::session::RequestHandle request, moqt::session::Time now);
  /// False when what came makes the track malformed.
  bool on_object(Track& track, const moqt::session::FetchObjectReceived& event, moqt::session::Time now);
  bool on_payload(Track& track, const moqt::session::ObjectPayload& event, moqt::session::Time now);
  static void on_gap(Track& track, const moqt::session::FetchGapReceived& event);
  /// Whether it has come whole, and the track ends with it.
  bool on_ended(Peer& peer, Track& track, const moqt::session::FetchEnded& event, moqt::session::Time now);
  /// It is not waited for any more. What is here goes out, unless `keep_holding` because another publisher is to bring
  /// it.
  void abandon(Track& track, bool keep_holding, moqt::session::Time now);

 private:
  void release(Track& track, moqt::session::Time now);

  const RelayLimits& limits_;
  RelayCounters& counters_;
};

}  // namespace msquic_py::relay
