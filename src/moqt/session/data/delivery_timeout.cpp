// OBJECT_DELIVERY_TIMEOUT [d15 §9.2.1.2]: what waits for longer is not sent any more. SUBGROUP_DELIVERY_TIMEOUT
// (draft-22 section 5.2): what is not acknowledged so long after the last object of its subgroup has been published.
#include <chrono>
#include <utility>

#include "moqt/session/data/outgoing_data.h"
#include "moqt/wire/codec.h"

namespace msquic_py::moqt::session {

namespace {

/// An object that the transport has taken is on its way; it is late only when nothing acknowledges it for this long
/// more.
constexpr Duration kAcknowledgementPatience = std::chrono::seconds(1);

Duration duration_of(std::uint64_t milliseconds) noexcept {
  // What is longer than a month does not fit every clock.
  constexpr std::chrono::milliseconds kMonth = std::chrono::hours(30 * 24);
  return std::chrono::milliseconds(std::min(milliseconds, static_cast<std::uint64_t>(kMonth.count())));
}

void forget_delivered(OutgoingStream& stream) {
  while (!stream.undelivered.empty() && stream.undelivered.front().end <= stream.delivered_bytes()) {
    (void)stream.undelivered.pop();
  }
}

/// When the first of the stream's objects is too late. Only with one that is not delivered.
Time due(OutgoingStream& stream, Duration timeout) {
  Time first = Time::max();
  for (std::size_t i = 0; i < stream.undelivered.size(); ++i) {
    const UndeliveredObject& object = stream.undelivered[i];
    if (!object.since) break;
    const bool waits_here = object.end > stream.handed_bytes();
    first = std::min(first, *object.since + timeout + (waits_here ? Duration::zero() : kAcknowledgementPatience));
    if (waits_here) break;  // the later ones are due later
  }
  return first;
}

}  // namespace

void OutgoingData::set_timeouts(OutgoingStream& stream) noexcept {
  const DeliveryTimeouts& timeouts = stream.lane->view->timeouts;
  stream.object_timeout = timeouts.object.in_effect(stream.own_object_timeout);
  stream.subgroup_timeout = timeouts.subgroup.in_effect(stream.own_subgroup_timeout);
}

void OutgoingData::await_time(const OutgoingStream& stream) {
  if (ageless_streams_.empty() || ageless_streams_.back() != stream.handle()) {
    ageless_streams_.push_back(stream.handle());
  }
}

void OutgoingData::note_object(OutgoingStream& stream, std::uint64_t ahead) {
  if (stream.lane == nullptr) return;
  if (stream.lane->watch != nullptr) stream.ends.push(stream.appended_bytes + ahead);
  if (stream.object_timeout == 0) return;
  forget_delivered(stream);
  stream.undelivered.push({stream.appended_bytes + ahead, std::nullopt});
  await_time(stream);
}

base::Result<void, SessionError> OutgoingData::note_published(StreamHandle handle, std::optional<Time> since) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || stream->retired) return base::Failure{SessionError::kUnknownStream};
  note_published(*stream, since);
  return {};
}

void OutgoingData::note_published(OutgoingStream& stream, std::optional<Time> since) {
  if (stream.lane == nullptr || stream.lane->fetch || std::exchange(stream.published, true)) return;
  stream.published_since = since;
  if (!since) return await_time(stream);
  if (stream.subgroup_timeout != 0) expire_at(*since + duration_of(stream.subgroup_timeout));
}

void OutgoingData::begin_to_age(Time now) {
  for (const StreamHandle handle : ageless_streams_) {
    OutgoingStream* stream = streams_.find(handle);
    if (stream == nullptr) continue;
    if (stream->published && !stream->published_since) {
      stream->published_since = now;
      if (stream->subgroup_timeout != 0) expire_at(now + duration_of(stream->subgroup_timeout));
    }
    if (stream->lane == nullptr || stream->undelivered.empty()) continue;
    for (std::size_t i = stream->undelivered.size(); i > 0 && !stream->undelivered[i - 1].since; --i) {
      stream->undelivered[i - 1].since = now;
    }
    if (stream->object_timeout != 0) expire_at(now + duration_of(stream->object_timeout));
  }
  ageless_streams_.clear();
  for (const RequestHandle subscription : ageless_lanes_) {
    OutgoingLane* lane = find_lane(subscription);
    if (lane == nullptr) continue;
    for (std::size_t i = lane->datagrams.size(); i > 0 && !lane->datagrams[i - 1].since; --i) {
      lane->datagrams[i - 1].since = now;
    }
    const std::uint64_t timeout = lane->view->timeouts.of_datagrams();
    if (timeout != 0 && !lane->datagrams.empty()) expire_at(now + duration_of(timeout));
  }
  ageless_lanes_.clear();
}

void OutgoingData::expire_late(OutgoingStream& stream, Time now, RingQueue<Event>& events) {
  OutgoingLane* const lane = stream.lane;
  Time first = Time::max();
  if (lane != nullptr && stream.object_timeout != 0) {
    forget_delivered(stream);
    if (!stream.undelivered.empty()) first = due(stream, duration_of(stream.object_timeout));
  }
  // A stream whose last byte has been acknowledged is not here any more.
  if (stream.published_since && stream.subgroup_timeout != 0) {
    first = std::min(first, *stream.published_since + duration_of(stream.subgroup_timeout));
  }
  if (first == Time::max()) return;
  if (first > now) return expire_at(first);
  const auto code = static_cast<std::uint64_t>(StreamResetCode::kDeliveryTimeout);
  if (lane != nullptr && !stream.closed) {
    const auto cause = has_subgroup_timeouts(codec_.draft) ? OutgoingStreamStopped::Cause::kSubgroupTimeout
                                                           : OutgoingStreamStopped::Cause::kDeliveryTimeout;
    events.push(OutgoingStreamStopped{lane->subscription, stream.handle(), code, cause});
  }
  reset(stream, code, UnsentCause::kDeliveryTimeout);
  if (lane != nullptr) note_drained(*lane);
}

void OutgoingData::expire_late(Time now, RingQueue<Event>& events) {  // [d15 §9.2.1.2-1]
  next_expiry_.reset();
  streams_.for_each([&](OutgoingStream& stream) { expire_late(stream, now, events); });
  for (const auto& [subscription, lane] : lanes_) {
    const std::uint64_t timeout = lane->view->timeouts.of_datagrams();
    if (timeout == 0 || lane->datagrams.empty()) continue;
    while (!lane->datagrams.empty() && lane->datagrams.front().since) {
      if (const Time time = *lane->datagrams.front().since + duration_of(timeout); time > now) {
        expire_at(time);
        break;
      }
      drop_datagram(*lane, UnsentCause::kDeliveryTimeout);
    }
    reschedule(*lane);
    note_drained(*lane);
  }
}

}  // namespace msquic_py::moqt::session
