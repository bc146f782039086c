// The streams that answer the peer's FETCHes [d15 §9.16.3], and the priority that they have [d15 §7.2].
#include <utility>

#include "moqt/session/data/outgoing_data.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/fetch_stream.h"

namespace msquic_py::moqt::session {

void OutgoingData::add_fetch_lane(RequestHandle fetch, PublishedSubscription& view, FetchRange range) {
  add_lane(fetch, view, /*held=*/false);
  find_lane(fetch)->fetch = std::make_unique<OutgoingFetch>(range, view.group_order);
}

void OutgoingData::set_fetch_range(RequestHandle fetch, FetchRange range) noexcept {
  if (OutgoingLane* lane = find_lane(fetch); lane != nullptr && lane->fetch) lane->fetch->set_range(range);
}

bool OutgoingData::fetch_lost(RequestHandle fetch) const noexcept {
  const OutgoingLane* lane = find_lane(fetch);
  return lane != nullptr && lane->fetch && lane->fetch->lost;
}

StreamHandle OutgoingData::fetch_stream(RequestHandle fetch) const noexcept {
  const OutgoingLane* lane = find_lane(fetch);
  return lane != nullptr && lane->fetch ? lane->fetch->stream : StreamHandle{};
}

base::Result<StreamHandle, SessionError> OutgoingData::open_fetch(RequestHandle fetch, std::uint64_t request_id,
                                                                  RingQueue<Event>& events) {
  OutgoingLane* lane = find_lane(fetch);
  if (lane == nullptr || !lane->fetch) return base::Failure{SessionError::kUnknownRequest};
  if (lane->fetch->stream) return base::Failure{SessionError::kDuplicate};
  scratch_.clear();
  if (!codec_.encode_fetch_header({request_id}, scratch_).ok()) {  // [d15 §9.16.3-7]
    return base::Failure{SessionError::kInvalidParameter};
  }
  OutgoingStream& stream = allocate(*lane);
  lane->fetch->stream = stream.handle();
  stream.own_priority = lane->fetch->priority();
  if (open_streams_ > max_streams_ && !make_room(stream, events)) return base::Failure{SessionError::kTooManyStreams};
  return stream.handle();
}

base::Result<void, SessionError> OutgoingData::append_fetch_object(StreamHandle handle, const FetchObject& object) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more() || stream->lane == nullptr) {
    return base::Failure{SessionError::kUnknownStream};
  }
  OutgoingFetch* const fetch = stream->lane->fetch.get();
  if (fetch == nullptr) return base::Failure{SessionError::kWrongRole};
  if (stream->payload_left != 0) return base::Failure{SessionError::kWrongState};
  if (object.payload.size() > object.payload_length) return base::Failure{SessionError::kTooLarge};
  if (const auto refusal = fetch->refusal(object.location)) return base::Failure{*refusal};
  const wire::FetchObjectFields fields{object.location,
                                       object.subgroup,
                                       object.publisher_priority,
                                       object.extensions.view(),
                                       object.payload_length,
                                       object.status,
                                       object.datagram && !has_status_in_fetch(codec_.draft)};
  scratch_.clear();
  if (!codec_.encode_fetch_object_header(fields, fetch->prior(), fetch->order(), scratch_).ok()) {
    return base::Failure{SessionError::kInvalidParameter};
  }
  push(*stream, arena_.copy(scratch_));
  if (!object.payload.empty()) push(*stream, object.payload);
  stream->payload_left = object.payload_length - object.payload.size();
  stream->begun = true;
  stream->written = ++writes_;
  fetch->append(fields, stream->appended_bytes + stream->payload_left);
  follow_priority(*stream);
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::append_fetch_gap(StreamHandle handle, Location end, wire::FetchGap gap) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more() || stream->lane == nullptr) {
    return base::Failure{SessionError::kUnknownStream};
  }
  OutgoingFetch* const fetch = stream->lane->fetch.get();
  if (fetch == nullptr) return base::Failure{SessionError::kWrongRole};
  if (stream->payload_left != 0) return base::Failure{SessionError::kWrongState};
  if (const auto refusal = fetch->refusal(FetchRange{{}, end}.last())) return base::Failure{*refusal};
  wire::FetchRangeEnd range{{end.group, end.object == 0 ? codec_.largest_integer : end.object - 1}, gap};
  scratch_.clear();
  auto encoded = codec_.encode_fetch_range_end(range, fetch->prior(), fetch->order(), scratch_);
  if (!encoded.ok() && gap == wire::FetchGap::kTimedOut) {
    range.gap = wire::FetchGap::kUnknown;
    scratch_.clear();
    encoded = codec_.encode_fetch_range_end(range, fetch->prior(), fetch->order(), scratch_);
  }
  if (!encoded.ok()) return base::Failure{SessionError::kNotInDraft};
  push(*stream, arena_.copy(scratch_));
  stream->begun = true;
  stream->written = ++writes_;
  fetch->append(range, stream->appended_bytes);
  follow_priority(*stream);
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::give_up(StreamHandle handle, std::uint64_t code) {
  OutgoingStream* stream = streams_.find(handle);
  const bool fetch = stream != nullptr && stream->lane != nullptr && stream->lane->fetch;
  if (!fetch || !stream->takes_more() || stream->delivered_bytes() > 0) {
    return reset(handle, code) ? base::Result<void, SessionError>{} : base::Failure{SessionError::kUnknownStream};
  }
  stream->begun = true;  // its header goes out without an object
  return retire(handle, code);
}

void OutgoingData::follow_priority(OutgoingStream& stream) {  // [d15 §7.2-1]
  OutgoingLane& lane = *stream.lane;
  lane.fetch->advance(stream.handed_bytes());
  const std::uint8_t priority = lane.fetch->priority();
  if (priority == stream.own_priority) return;
  // Both heaps order by it: the stream and its lane are out of them while it changes.
  ready_.erase(lane);
  lane.streams.erase(stream);
  const bool sooner = priority < stream.own_priority;
  stream.own_priority = priority;
  // What the transport has of earlier objects keeps their priority until it gets some of these.
  if (sooner) transport_.reorder(stream);
  reschedule(stream);
}

}  // namespace msquic_py::moqt::session
