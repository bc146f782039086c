// Streams that have begun something and do not go on with it (sections 3.4, 10.4.2).
#include <algorithm>
#include <vector>

#include "moqt/session/data/incoming_data.h"

namespace msquic_py::moqt::session {

Duration IncomingData::sweep_period() const noexcept {
  Duration shortest = config_.timeouts.unknown_alias;
  if (const Duration data = config_.timeouts.data_stream; data > Duration::zero()) {
    shortest = shortest > Duration::zero() ? std::min(shortest, data) : data;
  }
  return shortest / 4;
}

void IncomingData::arm_sweep() {
  if (sweep_armed_ || sweep_period() <= Duration::zero()) return;
  sweep_armed_ = true;
  context_.sweep_streams_after(sweep_period());
}

void IncomingData::sweep(Time now) {
  now_ = now;
  sweep_armed_ = false;
  const Duration unknown_alias = config_.timeouts.unknown_alias;
  const Duration data_stream = config_.timeouts.data_stream;
  bool unsettled = false;
  std::vector<IncomingStreamId> stalled;
  std::vector<IncomingStreamId> unknown;
  for (const auto& [id, stream] : streams_) {
    const IncomingStream::Missing missing = stream->missing();
    if (missing == IncomingStream::Missing::kNothing) continue;
    unsettled = true;
    const bool alias = missing == IncomingStream::Missing::kAlias;
    // It is this endpoint that makes it stand still, or that has not allowed its PUBLISH yet.
    const bool held_back = alias ? reserved_.contains(stream->header.track_alias) : stream->paused;
    if (held_back) stream->last_progress = now;
    const Duration allowed = alias ? unknown_alias : data_stream;
    if (allowed <= Duration::zero() || now - stream->last_progress < allowed) continue;
    if (missing == IncomingStream::Missing::kHeader) {  // [d15 §12.2-1]
      return context_.close(static_cast<std::uint64_t>(SessionErrorCode::kDataStreamTimeout),
                            "the header of a stream or object stays incomplete");
    }
    (alias ? unknown : stalled).push_back(id);
  }
  for (const IncomingStreamId id : unknown) {
    give_up(*streams_.at(id), StreamResetCode::kCancelled);
    forget_finished(id);
  }
  for (const IncomingStreamId id : stalled) stop(id, StreamResetCode::kDeliveryTimeout);
  if (unknown_alias > Duration::zero()) {
    held_datagrams_.drop_before(now - unknown_alias);
    early_.drop_before(now - unknown_alias, [this](std::uint64_t alias) { return reserved_.contains(alias); });
  }
  if (unsettled || !held_datagrams_.empty() || !early_.empty()) arm_sweep();
}

}  // namespace msquic_py::moqt::session
