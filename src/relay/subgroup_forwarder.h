#pragma once

#include <cstdint>
#include <vector>

#include "moqt/session/event.h"
#include "moqt/session/handles.h"
#include "moqt/session/time.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"

namespace msquic_py::relay {

class Downstream;
class Track;

/// Passes one incoming stream of objects on to every subscriber of its track, as the bytes arrive. Each subscriber
/// gets a stream of its own with the same slices: per subscriber and object there is a reference count and, where a
/// subscriber came in the middle, a new Object ID Delta.
class SubgroupForwarder {
 public:
  SubgroupForwarder(Track& track, const moqt::session::SubgroupOpened& opened) noexcept
      : track_(&track), upstream_(opened.subscription), properties_(opened.properties) {}

  void object(const moqt::session::ObjectReceived& object, const RelayLimits& limits, RelayCounters& counters,
              moqt::session::Time now);
  void payload(const moqt::session::ObjectPayload& payload, RelayCounters& counters);
  /// The session has reset a stream to `downstream`; it counts if it is one of this subgroup.
  void on_stream_stopped(const Downstream& downstream, const moqt::session::OutgoingStreamStopped& event) noexcept;
  /// FIN, or reset with `code`.
  void end(bool finished, std::uint64_t code, moqt::session::Time now);

  [[nodiscard]] const Track& track() const noexcept { return *track_; }
  [[nodiscard]] moqt::session::RequestHandle upstream() const noexcept { return upstream_; }

 private:
  /// What one subscriber gets of this stream; stands at the subscriber's slot of the track.
  struct Branch {
    std::uint64_t serial = 0;  ///< of the Downstream it belongs to; another one: the slot was given away
    moqt::session::StreamHandle stream;
    bool takes_object = false;  ///< the object under way is being sent
    bool has_gap = false;       ///< an object it should have had was left out
    bool stopped = false;       ///< it gets nothing more: it said STOP_SENDING, or has too many streams open
  };
  Branch& branch_of(std::size_t slot, const Downstream& downstream);
  void offer(Branch& branch, Downstream& downstream, const moqt::session::ObjectReceived& object,
             const RelayLimits& limits, RelayCounters& counters, moqt::session::Time now);
  static void abandon(Branch& branch, Downstream& downstream, moqt::session::Time now);

  Track* track_;
  moqt::session::RequestHandle upstream_;
  moqt::session::SubgroupProperties properties_;
  std::vector<Branch> branches_;
  bool duplicate_object_ = false;  ///< the object under way came from another publisher before
};

}  // namespace msquic_py::relay
