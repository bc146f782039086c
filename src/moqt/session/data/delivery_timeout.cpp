// DELIVERY_TIMEOUT [d15 §9.2.1.2]: what waits for longer is not sent any more.
#include <chrono>

#include "moqt/session/data/outgoing_data.h"

namespace msquic_py::moqt::session {

namespace {

/// An object that the transport has taken is on its way; it is late only when nothing acknowledges it for this long
/// more.
constexpr Duration kOnItsWay = std::chrono::seconds(1);

std::optional<Duration> timeout_of(const PublishedSubscription& view) noexcept {
  // 0 cannot be meant: nothing would ever be sent. What is longer than a month does not fit every clock.
  const std::uint64_t timeout = view.delivery_timeout_ms.value_or(0);
  if (timeout == 0) return std::nullopt;
  constexpr std::chrono::milliseconds kMonth = std::chrono::hours(30 * 24);
  return std::min(timeout, static_cast<std::uint64_t>(kMonth.count())) * std::chrono::milliseconds(1);
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
    first = std::min(first, *object.since + timeout + (waits_here ? Duration::zero() : kOnItsWay));
    if (waits_here) break;  // the later ones are due later
  }
  return first;
}

}  // namespace

void OutgoingData::note_object(OutgoingStream& stream, std::uint64_t ahead) {
  if (stream.lane == nullptr) return;
  if (stream.lane->watch != nullptr) stream.ends.push(stream.appended_bytes + ahead);
  if (!stream.lane->view->delivery_timeout_ms) return;
  forget_delivered(stream);
  stream.undelivered.push({stream.appended_bytes + ahead, std::nullopt});
  if (ageless_streams_.empty() || ageless_streams_.back() != stream.handle()) {
    ageless_streams_.push_back(stream.handle());
  }
}

void OutgoingData::begin_to_age(Time now) {
  for (const StreamHandle handle : ageless_streams_) {
    OutgoingStream* stream = streams_.find(handle);
    if (stream == nullptr || stream->lane == nullptr) continue;
    for (std::size_t i = stream->undelivered.size(); i > 0 && !stream->undelivered[i - 1].since; --i) {
      stream->undelivered[i - 1].since = now;
    }
    if (const auto timeout = timeout_of(*stream->lane->view)) expire_at(now + *timeout);
  }
  ageless_streams_.clear();
  for (const RequestHandle subscription : ageless_lanes_) {
    OutgoingLane* lane = find_lane(subscription);
    if (lane == nullptr) continue;
    for (std::size_t i = lane->datagrams.size(); i > 0 && !lane->datagrams[i - 1].since; --i) {
      lane->datagrams[i - 1].since = now;
    }
    if (const auto timeout = timeout_of(*lane->view); timeout && !lane->datagrams.empty()) expire_at(now + *timeout);
  }
  ageless_lanes_.clear();
}

void OutgoingData::expire_late(Time now, RingQueue<Event>& events) {  // [d15 §9.2.1.2-1]
  next_expiry_.reset();
  streams_.for_each([&](OutgoingStream& stream) {
    OutgoingLane* lane = stream.lane;
    const auto timeout = lane == nullptr ? std::nullopt : timeout_of(*lane->view);
    if (!timeout) return;
    forget_delivered(stream);
    if (stream.undelivered.empty()) return;
    if (const Time time = due(stream, *timeout); time > now) return expire_at(time);
    const auto code = static_cast<std::uint64_t>(StreamResetCode::kDeliveryTimeout);
    if (!stream.closed) {
      events.push(OutgoingStreamStopped{lane->subscription, stream.handle(), code,
                                        OutgoingStreamStopped::Cause::kDeliveryTimeout});
    }
    reset(stream, code, UnsentCause::kDeliveryTimeout);
    note_drained(*lane);
  });
  for (const auto& [subscription, lane] : lanes_) {
    const auto timeout = timeout_of(*lane->view);
    if (!timeout || lane->datagrams.empty()) continue;
    while (!lane->datagrams.empty() && lane->datagrams.front().since) {
      if (const Time time = *lane->datagrams.front().since + *timeout; time > now) {
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
