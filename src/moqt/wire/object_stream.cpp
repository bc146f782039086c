#include "moqt/wire/object_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "moqt/wire/codec.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire {
namespace {

constexpr base::Violation kEndedInObject =
    protocol_violation("stream ended with FIN in the middle of an object (section 10.4)");

/// Shows `decode` more and more header bytes until it has enough of them, or there are no more at hand.
template <class Layout, class Decode>
base::Decoded<Layout> read_header(ChunkCursor& cursor, const Decode& decode) {
  // What is kept was not enough the last time: look at it again only with something new behind it.
  if (cursor.mid_header() && !cursor.extend_header()) return base::NeedMore{};
  for (;;) {
    base::Decoded<Layout> layout = decode(cursor.header_bytes());
    if (!layout.needs_more() || !cursor.extend_header()) return layout;
  }
}

ObjectStart start_of(const ObjectLayout& layout, base::SharedBytes header) noexcept {
  ObjectStart start;
  start.object_id = layout.object_id;
  start.payload_length = layout.payload_length;
  start.status = layout.status;
  start.header = std::move(header);
  start.delta_size = layout.delta_size;
  start.extensions_offset = layout.extensions_offset;
  start.extensions_size = layout.extensions_size;
  return start;
}

ObjectPayload take_payload(ChunkCursor& cursor, std::uint64_t& left) noexcept {
  ObjectPayload payload{cursor.take_payload(left), false};
  left -= payload.bytes.size();
  payload.last = left == 0;
  return payload;
}

std::size_t clamp_limit(std::size_t limit) noexcept {
  return std::min<std::size_t>(limit, std::numeric_limits<std::uint32_t>::max());
}

}  // namespace

base::Decoded<SubgroupStreamDecoder::Event> SubgroupStreamDecoder::next() {
  if (payload_left_ > 0) {
    if (cursor_.starved()) return base::NeedMore{};
    return Event{take_payload(cursor_, payload_left_)};
  }
  const Codec& codec = *codec_;
  const auto layout = read_header<ObjectLayout>(cursor_, [&](base::Bytes bytes) {
    return codec.decode_subgroup_object_header(bytes, has_extensions_, previous_object_id_,
                                               clamp_limit(limits_.max_extensions_size));
  });
  if (!layout) return layout.failure<Event>();
  previous_object_id_ = layout->object_id;
  payload_left_ = layout->payload_length;
  return Event{start_of(*layout, cursor_.take_header(layout->size))};
}

std::optional<base::Violation> SubgroupStreamDecoder::finish() const noexcept {  // [d15 §10.4-1]
  if (payload_left_ > 0 || cursor_.mid_header()) return kEndedInObject;
  return std::nullopt;
}

base::Decoded<FetchStreamDecoder::Event> FetchStreamDecoder::next() {
  if (payload_left_ > 0) {
    if (cursor_.starved()) return base::NeedMore{};
    return Event{take_payload(cursor_, payload_left_)};
  }
  const Codec& codec = *codec_;
  const auto layout = read_header<FetchObjectLayout>(cursor_, [&](base::Bytes bytes) {
    return codec.decode_fetch_object_header(bytes, prior_, order_, clamp_limit(limits_.max_extensions_size));
  });
  if (!layout) return layout.failure<Event>();
  prior_ = layout->prior;
  if (const auto gap = layout->gap()) {
    (void)cursor_.take_header(layout->object.size);
    return Event{FetchRangeEnd{prior_->location, *gap}};
  }
  payload_left_ = layout->object.payload_length;
  FetchObjectStart start;
  start.object = start_of(layout->object, cursor_.take_header(layout->object.size));
  start.group_id = layout->group_id;
  start.subgroup_id = layout->subgroup_id;
  start.publisher_priority = layout->publisher_priority;
  start.flags = layout->flags;
  start.datagram = layout->datagram;
  return Event{std::move(start)};
}

std::optional<base::Violation> FetchStreamDecoder::finish() const noexcept {
  if (payload_left_ > 0 || cursor_.mid_header()) return kEndedInObject;
  return std::nullopt;
}

}  // namespace msquic_py::moqt::wire
