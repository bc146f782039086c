#include "unit/vectors/stream_reading.h"

#include <algorithm>
#include <stdexcept>

#include "unit/vectors/message_json.h"
#include "unit/vectors/stream_json.h"

namespace msquic_py::tests {

namespace {

using moqt::Draft;
using namespace moqt::wire;

Json with_fetch_fields(Json json, std::uint64_t group, std::uint64_t subgroup, std::uint8_t priority,
                       std::uint16_t flags, bool datagram) {
  json["group_id"] = group;
  json["subgroup_id"] = datagram ? Json() : Json(subgroup);
  json["publisher_priority"] = priority;
  json["serialization_flags"] = flags;
  return json;
}

Json range_json(moqt::Location end, FetchGap gap) {
  return {{"group_id", end.group}, {"object_id", end.object}, {"serialization_flags", static_cast<std::uint16_t>(gap)}};
}

Json start_json(Draft draft, const ObjectStart& start) {
  return object_json(draft, start.object_id, start.status, start.extensions(), {});
}
Json start_json(Draft draft, const FetchObjectStart& start) {
  return with_fetch_fields(start_json(draft, start.object), start.group_id, start.subgroup_id, start.publisher_priority,
                           start.flags, start.datagram);
}
std::uint64_t payload_length(const ObjectStart& start) { return start.payload_length; }
std::uint64_t payload_length(const FetchObjectStart& start) { return start.object.payload_length; }

/// Collects the events of one stream decoder into whole objects.
class ObjectCollector {
 public:
  ObjectCollector(Draft draft, StreamReading& reading) : draft_(draft), reading_(reading) {}

  /// False when the stream is malformed.
  template <class Decoder>
  bool drain(Decoder& decoder) {
    for (;;) {
      auto event = decoder.next();
      if (event.violated()) {
        reading_.violation = event.violation();
        return false;
      }
      if (event.needs_more()) return true;
      std::visit([this](const auto& e) { this->take(e); }, *event);
    }
  }

 private:
  template <class Start>
  void take(const Start& start) {
    if (expected_ != payload_.size()) throw std::runtime_error("an object starts before the one before it is complete");
    pending_ = start_json(draft_, start);
    payload_.clear();
    expected_ = payload_length(start);
    if (expected_ == 0) reading_.objects.push_back(pending_);
  }
  void take(const FetchRangeEnd& range) {
    if (expected_ != payload_.size()) throw std::runtime_error("a range ends before the object before it is complete");
    reading_.objects.push_back(range_json(range.end, range.gap));
  }
  void take(const ObjectPayload& payload) {
    const auto bytes = payload.bytes.view();
    payload_.insert(payload_.end(), bytes.begin(), bytes.end());
    if (payload.last != (payload_.size() == expected_))
      throw std::runtime_error("the last payload is not marked, or another is");
    if (!payload.last) return;
    pending_["object_payload"] = to_hex(payload_);
    reading_.objects.push_back(pending_);
  }

  Draft draft_;
  StreamReading& reading_;
  Json pending_;
  base::ByteVector payload_;
  std::uint64_t expected_ = 0;
};

constexpr ObjectStreamLimits kLimits{256 * 1024};

}  // namespace

StreamReading read_in_chunks(Draft draft, base::Bytes stream, std::size_t chunk_size, moqt::GroupOrder order) {
  StreamReading reading;
  ObjectCollector collector(draft, reading);
  StreamHeaderDecoder headers(draft);
  std::optional<SubgroupStreamDecoder> subgroup;
  std::optional<FetchStreamDecoder> fetch;
  while (!stream.empty()) {
    const std::size_t size = chunk_size == 0 ? stream.size() : std::min(chunk_size, stream.size());
    auto chunk = base::SharedBytes::copy_of(stream.first(size));
    stream = stream.subspan(size);
    if (reading.header.is_null()) {
      const auto header = headers.feed(std::move(chunk));
      if (header.violated()) {
        reading.violation = header.violation();
        return reading;
      }
      if (header.needs_more()) continue;
      chunk = headers.rest();
      reading.header = std::visit([](const auto& h) { return header_json(h); }, *header);
      if (const auto* found = std::get_if<SubgroupHeader>(&*header)) {
        subgroup.emplace(draft, found->has_extensions, kLimits);
      } else if (std::holds_alternative<FetchHeader>(*header)) {
        fetch.emplace(draft, order, kLimits);
      } else {
        return reading;
      }
    }
    bool good = true;
    if (subgroup) {
      subgroup->feed(std::move(chunk));
      good = collector.drain(*subgroup);
    } else {
      fetch->feed(std::move(chunk));
      good = collector.drain(*fetch);
    }
    if (!good) return reading;
  }
  if (subgroup) reading.at_fin = subgroup->finish();
  if (fetch) reading.at_fin = fetch->finish();
  return reading;
}

StreamReading read_whole_subgroup(Draft draft, base::Bytes stream) {
  StreamReading reading;
  const auto header = decode_subgroup_header(draft, stream);
  if (header.violated()) reading.violation = header.violation();
  if (!header.ok()) return reading;
  reading.header = header_json(header->header);
  stream = stream.subspan(header->size);
  std::optional<std::uint64_t> previous;
  while (!stream.empty()) {
    const auto decoded = decode_subgroup_object(draft, stream, header->header.has_extensions, previous);
    if (decoded.violated()) reading.violation = decoded.violation();
    if (!decoded.ok()) return reading;
    const SubgroupObject& object = decoded->object;
    previous = object.object_id;
    reading.objects.push_back(object_json(draft, object.object_id, object.status, object.extensions, object.payload));
    stream = stream.subspan(decoded->size);
  }
  return reading;
}

StreamReading read_whole_fetch(Draft draft, base::Bytes stream, moqt::GroupOrder order) {
  StreamReading reading;
  const auto header = decode_fetch_header(draft, stream);
  if (header.violated()) reading.violation = header.violation();
  if (!header.ok()) return reading;
  reading.header = header_json(header->header);
  stream = stream.subspan(header->size);
  std::optional<FetchPriorObject> prior;
  while (!stream.empty()) {
    const auto decoded = decode_fetch_object(draft, stream, prior, order);
    if (decoded.violated()) reading.violation = decoded.violation();
    if (!decoded.ok()) return reading;
    const FetchObject& object = decoded->object;
    prior = decoded->prior;
    stream = stream.subspan(decoded->size);
    if (decoded->gap) {
      reading.objects.push_back(range_json(object.location, *decoded->gap));
      continue;
    }
    Json json = object_json(draft, object.location.object, object.status, object.extensions, object.payload);
    reading.objects.push_back(with_fetch_fields(std::move(json), object.location.group, object.subgroup_id,
                                                object.publisher_priority, decoded->flags, object.datagram));
  }
  return reading;
}

Json normalized_header(const Json& vector) {
  Json header = vector.at("header");
  const bool subgroup = header.contains("track_alias");
  if (subgroup && !header.contains("begins_with_first_object")) header["begins_with_first_object"] = false;
  return header;
}

Json normalized_objects(const Json& vector, std::size_t count) {
  Json list = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    Json object = vector.at("objects").at(i);
    if (!object.contains("object_payload")) {  // the end of a range
      list.push_back(std::move(object));
      continue;
    }
    object["object_payload"] = to_hex(text_of(object["object_payload"]));
    object["extensions"] = normalized_pairs(object["extensions"]);
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace msquic_py::tests
