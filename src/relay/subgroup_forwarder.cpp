#include "relay/subgroup_forwarder.h"

#include <algorithm>

#include "relay/downstream.h"
#include "relay/peer.h"
#include "relay/track.h"

namespace msquic_py::relay {

namespace session = moqt::session;

SubgroupForwarder::Branch& SubgroupForwarder::branch_of(std::size_t slot, const Downstream& downstream) {
  if (branches_.size() <= slot) branches_.resize(track_->downstreams().size());
  Branch& branch = branches_[slot];
  if (branch.serial != downstream.serial()) branch = Branch{.serial = downstream.serial(), .stream = {}};
  return branch;
}

void SubgroupForwarder::object(const session::ObjectReceived& object, const RelayLimits& limits,
                               RelayCounters& counters, session::Time now) {
  ++counters.objects_received;
  counters.bytes_received += object.wire.size();
  duplicate_object_ = !track_->admit(object.location, object.subgroup);
  if (duplicate_object_) {
    ++counters.duplicates_dropped;
    return;
  }
  const auto& downstreams = track_->downstreams();
  for (std::size_t slot = 0; slot < downstreams.size(); ++slot) {
    if (downstreams[slot] == nullptr) continue;
    offer(branch_of(slot, *downstreams[slot]), *downstreams[slot], object, limits, counters, now);
  }
}

void SubgroupForwarder::offer(Branch& branch, Downstream& downstream, const session::ObjectReceived& object,
                              const RelayLimits& limits, RelayCounters& counters, session::Time now) {
  branch.takes_object = false;
  if (branch.stopped) return;
  if (!downstream.admits(object.location, limits, counters)) {
    if (branch.stream) {
      abandon(branch, downstream, now);
    } else if (!branch.has_gap) {
      branch.has_gap = downstream.covers(object.location);
    }
    return;
  }
  session::Session& to = downstream.peer().session;
  if (!branch.stream) {
    session::SubgroupProperties properties = properties_;
    properties.subgroup = object.subgroup;  // explicit: the first object sent here need not be the subgroup's first
    auto opened = to.open_subgroup(downstream.request(), properties);
    if (!opened) {
      branch.has_gap = true;
      // The session has reset a stream to say so; a new one for every object of the subgroup would say it again.
      branch.stopped = opened.error() == session::SessionError::kTooManyStreams;
      return;
    }
    branch.stream = *opened;
  }
  const std::uint64_t remaining = object.payload_length - (object.wire.size() - object.header_size);
  if (!to.append_object(branch.stream, object.location.object, object.wire, object.delta_size, remaining)) {
    branch.has_gap = true;  // the stream was reset; on_stream_stopped() tells whether another may follow
    return;
  }
  branch.takes_object = true;
  ++counters.objects_delivered;
  counters.bytes_delivered += object.wire.size();
  downstream.note_sent(object.wire.size());
  downstream.peer().outlet.make_ready();
}

void SubgroupForwarder::abandon(Branch& branch, Downstream& downstream, session::Time now) {
  // An object is being left out, so this stream must end with a reset, but what it carries should still arrive.
  downstream.retire(branch.stream, now);
  branch.stream = {};
  branch.has_gap = true;
}

void SubgroupForwarder::payload(const session::ObjectPayload& payload, RelayCounters& counters) {
  counters.bytes_received += payload.bytes.size();
  if (duplicate_object_) return;
  const auto& downstreams = track_->downstreams();
  const std::size_t count = std::min(branches_.size(), downstreams.size());
  for (std::size_t slot = 0; slot < count; ++slot) {
    Branch& branch = branches_[slot];
    Downstream* downstream = downstreams[slot].get();
    if (downstream == nullptr || branch.serial != downstream->serial() || !branch.takes_object) continue;
    if (!downstream->peer().session.append_payload(branch.stream, payload.bytes)) {
      branch.takes_object = false;
      branch.has_gap = true;
      continue;
    }
    counters.bytes_delivered += payload.bytes.size();
    downstream->note_sent(payload.bytes.size());
    downstream->peer().outlet.make_ready();
  }
}

void SubgroupForwarder::on_stream_stopped(const Downstream& downstream,
                                          const session::OutgoingStreamStopped& event) noexcept {
  for (Branch& branch : branches_) {
    if (branch.serial != downstream.serial() || branch.stream != event.stream) continue;
    branch.stream = {};
    branch.takes_object = false;
    branch.has_gap = true;
    branch.stopped = !event.resumable();
  }
}

void SubgroupForwarder::end(bool finished, std::uint64_t code, session::Time now) {
  const auto& downstreams = track_->downstreams();
  const std::size_t count = std::min(branches_.size(), downstreams.size());
  for (std::size_t slot = 0; slot < count; ++slot) {
    Branch& branch = branches_[slot];
    Downstream* downstream = downstreams[slot].get();
    if (downstream == nullptr || branch.serial != downstream->serial() || !branch.stream) continue;
    session::Session& to = downstream->peer().session;
    if (!finished) {
      const bool known = code <= static_cast<std::uint64_t>(moqt::StreamResetCode::kSessionClosed);
      (void)to.reset_stream(branch.stream,
                            known ? static_cast<moqt::StreamResetCode>(code) : moqt::StreamResetCode::kInternalError);
    } else if (branch.has_gap) {
      downstream->retire(branch.stream, now);
    } else {
      (void)to.finish_stream(branch.stream);
    }
    downstream->peer().outlet.make_ready();
  }
  branches_.clear();
}

}  // namespace msquic_py::relay
