#include "moqt/session/data/outgoing_data.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/byte_writer.h"
#include "moqt/wire/codec.h"

namespace msquic_py::moqt::session {

namespace {

wire::SubgroupHeader header_of(const SubgroupProperties& properties, std::uint64_t track_alias) {
  wire::SubgroupHeader header;
  header.track_alias = track_alias;
  header.group_id = properties.group;
  header.publisher_priority = properties.publisher_priority;
  header.has_extensions = properties.extensions;
  header.contains_end_of_group = properties.end_of_group;
  header.begins_with_first_object = properties.first_object;
  if (!properties.subgroup) {
    header.subgroup_id_mode = wire::SubgroupIdMode::kFirstObject;
  } else if (*properties.subgroup == 0) {
    header.subgroup_id_mode = wire::SubgroupIdMode::kZero;
  } else {
    header.subgroup_id_mode = wire::SubgroupIdMode::kExplicit;
    header.subgroup_id = *properties.subgroup;
  }
  return header;
}

}  // namespace

OutgoingData::OutgoingData(const SessionConfig& config, const wire::Codec& codec)
    : codec_(codec),
      max_streams_(config.limits.max_outgoing_streams),
      max_queued_datagrams_(config.limits.max_queued_datagrams),
      transport_(config.send_window),
      arena_(8 * 1024, config.account) {}

// ---- lanes ----

void OutgoingData::add_lane(RequestHandle subscription, PublishedSubscription& view, bool held) {
  auto lane = std::make_unique<OutgoingLane>();
  lane->subscription = subscription;
  lane->view = &view;
  lane->held = held;
  lane->turn = ++turns_;
  lanes_.emplace(subscription, std::move(lane));
}

void OutgoingData::release_lane(RequestHandle subscription) {
  if (OutgoingLane* lane = find_lane(subscription)) {
    lane->held = false;
    reschedule(*lane);
  }
}

void OutgoingData::reorder(RequestHandle subscription) {  // [d15 §7.1-1]
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return;
  // Every key of the lane may have changed at once, so its heap is built anew.
  ready_.erase(*lane);
  streams_.for_each_of(*lane, [&](OutgoingStream& stream) { lane->streams.erase(stream); });
  streams_.for_each_of(*lane, [&](OutgoingStream& stream) {
    transport_.reorder(stream);
    if (stream.has_work()) lane->streams.insert(stream);
  });
  reschedule(*lane);
}

void OutgoingData::retime(RequestHandle subscription) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return;
  streams_.for_each_of(*lane, set_timeouts);
  next_expiry_ = Time::min();  // one may be shorter now: look at once
}

void OutgoingData::abort_lane(RequestHandle subscription, StreamResetCode code) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return;
  streams_.for_each_of(*lane, [&](OutgoingStream& stream) { reset(stream, static_cast<std::uint64_t>(code)); });
  remove_lane(subscription);
}

void OutgoingData::remove_lane(RequestHandle subscription) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return;
  streams_.for_each_of(*lane, [&](OutgoingStream& stream) {
    lane->streams.erase(stream);
    stream.lane = nullptr;
  });
  while (lane->watch != nullptr && !lane->datagrams.empty()) drop_datagram(*lane, UnsentCause::kReset);
  ready_.erase(*lane);
  lanes_.erase(subscription);
}

void OutgoingData::reset_streams(RequestHandle subscription, StreamResetCode code, bool only_unwanted,
                                 RingQueue<Event>* events) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return;
  const PublishedSubscription& view = *lane->view;
  const UnsentCause cause = events != nullptr ? UnsentCause::kUpdate : UnsentCause::kReset;
  streams_.for_each_of(*lane, [&](OutgoingStream& stream) {
    const bool wanted = stream.group >= view.start.group && (!view.last_group || stream.group <= *view.last_group);
    if (stream.closed || (only_unwanted && wanted)) return;
    if (events != nullptr) {
      events->push(OutgoingStreamStopped{subscription, stream.handle(), static_cast<std::uint64_t>(code),
                                         OutgoingStreamStopped::Cause::kUpdate});
    }
    reset(stream, static_cast<std::uint64_t>(code), cause);
  });
  if (!only_unwanted) {
    while (!lane->datagrams.empty()) drop_datagram(*lane, cause);
    reschedule(*lane);
  }
  note_drained(*lane);
}

void OutgoingData::note_drained(OutgoingLane& lane) {  // [d15 §9.15-1]
  if (lane.view->ending && lane.view->open_streams == 0 && lane.datagrams.empty()) drained_.push(lane.subscription);
}

void OutgoingData::check_drained(RequestHandle subscription) {
  if (OutgoingLane* lane = find_lane(subscription)) note_drained(*lane);
}

std::optional<RequestHandle> OutgoingData::take_drained() {
  if (drained_.empty()) return std::nullopt;
  return drained_.pop();
}

// ---- streams ----

// [d15 §5.1.1-3]
base::Result<StreamHandle, SessionError> OutgoingData::open(RequestHandle subscription,
                                                            const SubgroupProperties& properties,
                                                            RingQueue<Event>& events) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (lane->view->ending || !lane->view->forward) return base::Failure{SessionError::kWrongState};
  scratch_.clear();
  if (!codec_.encode_subgroup_header(header_of(properties, lane->view->track_alias), scratch_).ok()) {
    return base::Failure{SessionError::kInvalidParameter};
  }
  OutgoingStream& stream = allocate(*lane);
  stream.group = properties.group;
  stream.subgroup = properties.subgroup.value_or(0);
  stream.own_priority = properties.publisher_priority;
  stream.own_object_timeout = properties.object_delivery_timeout;
  stream.own_subgroup_timeout = properties.subgroup_delivery_timeout;
  set_timeouts(stream);
  if (open_streams_ > max_streams_ && !make_room(stream, events)) return base::Failure{SessionError::kTooManyStreams};
  return stream.handle();
}

OutgoingStream& OutgoingData::allocate(OutgoingLane& lane) {
  OutgoingStream& stream = streams_.allocate();
  stream.lane = &lane;
  // Not scheduled yet: a stream is opened for its first object, not for its header.
  push(stream, arena_.copy(scratch_));
  stream.written = ++writes_;
  ++lane.view->open_streams;
  ++open_streams_;
  return stream;
}

base::Result<void, SessionError> OutgoingData::append_object(StreamHandle handle, std::uint64_t object,
                                                             const base::SharedBytes& wire, std::size_t delta_size,
                                                             std::uint64_t remaining) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  if (stream->payload_left != 0) return base::Failure{SessionError::kWrongState};
  if (stream->lane != nullptr && stream->lane->fetch) return base::Failure{SessionError::kWrongRole};
  if (object > codec_.largest_integer || (stream->last_object && object <= *stream->last_object)) {
    return base::Failure{SessionError::kObjectOutOfOrder};
  }
  const std::uint64_t delta = stream->last_object ? object - *stream->last_object - 1 : object;
  // As most are: below 64 an integer is one byte of that value in every draft.
  bool as_it_is = delta_size == 1 && delta < 64 && !wire.empty() && wire.data()[0] == delta;
  if (!as_it_is) {
    const auto given = codec_.decode_integer(wire);
    if (!given || given->size != delta_size) return base::Failure{SessionError::kInvalidParameter};
    as_it_is = given->value == delta;
  }
  if (as_it_is) {
    push(*stream, wire);
  } else {
    std::uint8_t* out = arena_.reserve(wire::kMaxIntegerSize);
    const std::size_t size = codec_.encode_integer(delta, out);
    push(*stream, arena_.commit(size));
    if (wire.size() > delta_size) push(*stream, wire.from(delta_size));
  }
  stream->last_object = object;
  stream->begun = true;
  stream->payload_left = remaining;
  stream->written = ++writes_;
  note_object(*stream, remaining);
  if (stream->lane != nullptr) {
    auto& largest = stream->lane->view->largest;
    if (const Location location{stream->group, object}; !largest || *largest < location) largest = location;
  }
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::append_payload(StreamHandle handle, base::SharedBytes bytes) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  if (bytes.size() > stream->payload_left) return base::Failure{SessionError::kTooLarge};
  if (bytes.empty()) return {};
  stream->payload_left -= bytes.size();
  push(*stream, std::move(bytes));
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::finish(StreamHandle handle) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  if (stream->payload_left != 0) return base::Failure{SessionError::kWrongState};
  stream->fin = true;
  note_published(*stream, std::nullopt);
  if (stream->lane != nullptr && stream->lane->fetch) stream->lane->view->ending = true;
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::retire(StreamHandle handle, std::uint64_t code) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  stream->retired = code;
  if (stream->delivered_bytes() == stream->appended_bytes) {
    (void)reset(handle, code);
  } else {
    reschedule(*stream);
  }
  return {};
}

RequestHandle OutgoingData::reset(StreamHandle handle, std::uint64_t code, UnsentCause cause) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr) return {};
  const RequestHandle subscription = stream->lane != nullptr ? stream->lane->subscription : RequestHandle{};
  OutgoingLane* lane = stream->lane;
  reset(*stream, code, cause);
  if (lane != nullptr) note_drained(*lane);
  return subscription;
}

void OutgoingData::reset(OutgoingStream& stream, std::uint64_t code, UnsentCause cause) {
  if (stream.opened) {
    resets_.push(ResetStream{stream.handle(), wire::number_of(codec_.codes, static_cast<StreamResetCode>(code))});
  }
  release(stream, cause);
}

std::size_t OutgoingData::queued_bytes(StreamHandle handle) const noexcept {
  const OutgoingStream* stream = streams_.find(handle);
  return stream == nullptr ? 0 : stream->pending_bytes;
}

base::Result<bool, SessionError> OutgoingData::send_datagram(RequestHandle subscription,
                                                             const DatagramProperties& properties,
                                                             const base::SharedBytes& after_alias) {
  OutgoingLane* lane = find_lane(subscription);
  if (lane == nullptr) return base::Failure{SessionError::kUnknownRequest};
  if (lane->view->ending || !lane->view->forward) return base::Failure{SessionError::kWrongState};
  std::uint8_t* out = arena_.reserve(2 * wire::kMaxIntegerSize);
  std::size_t size = codec_.encode_integer(properties.type, out);
  size += codec_.encode_integer(lane->view->track_alias, out + size);
  auto& largest = lane->view->largest;
  if (!largest || *largest < properties.location) largest = properties.location;
  if (size + after_alias.size() > max_datagram_size_) {  // [d15 §3.1-1]
    ++lane->view->datagrams_dropped;
    return false;
  }
  if (lane->datagrams.size() >= max_queued_datagrams_) drop_datagram(*lane, UnsentCause::kOverflow);
  lane->view->queued_bytes += size + after_alias.size();
  lane->datagrams.push({properties, arena_.commit(size), after_alias});
  if (lane->view->timeouts.of_datagrams() != 0) ageless_lanes_.push_back(subscription);
  reschedule(*lane);
  return true;
}

void OutgoingData::drop_datagram(OutgoingLane& lane, UnsentCause cause) {
  const QueuedDatagram dropped = lane.datagrams.pop();
  lane.view->queued_bytes -= dropped.prefix.size() + dropped.after_alias.size();
  ++lane.view->datagrams_dropped;
  if (lane.watch != nullptr) lane.watch->on_unsent(1, cause);
}

// ---- records ----

void OutgoingData::release(OutgoingStream& stream, UnsentCause cause) {
  transport_.close(stream);
  if (!stream.closed) --open_streams_;
  if (OutgoingLane* lane = stream.lane) {
    if (const auto unsent = stream.unsent_objects(); unsent > 0 && lane->watch != nullptr)
      lane->watch->on_unsent(unsent, cause);
    if (lane->fetch) lane->view->ending = true;  // it was the only one
    lane->view->queued_bytes -= stream.pending_bytes;
    if (!stream.closed) --lane->view->open_streams;
    if (lane->streams.contains(stream)) {
      ready_.erase(*lane);
      lane->streams.erase(stream);
      reschedule(*lane);
    }
  }
  streams_.recycle(stream);
}

OutgoingLane* OutgoingData::find_lane(RequestHandle subscription) const noexcept {
  const auto found = lanes_.find(subscription);
  return found == lanes_.end() ? nullptr : found->second.get();
}

void OutgoingData::clear() {
  streams_.for_each([&](OutgoingStream& stream) { release(stream); });
  for (const auto& [subscription, lane] : lanes_) {
    while (lane->watch != nullptr && !lane->datagrams.empty()) drop_datagram(*lane, UnsentCause::kReset);
  }
  lanes_.clear();
  ready_ = {};
  resets_.clear();
  drained_.clear();
  ageless_streams_.clear();
  ageless_lanes_.clear();
  next_expiry_.reset();
  transport_.stop_waiting();
}

}  // namespace msquic_py::moqt::session
