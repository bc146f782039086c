#include "unit/vectors/random_streams.h"

#include <optional>
#include <stdexcept>
#include <string>

#include "moqt/wire/datagram.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt/wire/subgroup.h"
#include "unit/vectors/stream_json.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;
using moqt::ObjectStatus;
using namespace moqt::wire;

void require(const EncodeResult& encoded) {
  if (!encoded.ok()) throw std::runtime_error(std::string(moqt::wire::describe(encoded.error())));
}

void append(base::ByteVector& out, const base::ByteVector& more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace

Written random_subgroup(RandomValues& values) {
  const Draft draft = values.draft();
  SubgroupHeader header;
  header.track_alias = values.number();
  header.group_id = values.number();
  header.subgroup_id_mode = static_cast<SubgroupIdMode>(values.below(3));
  if (header.subgroup_id_mode == SubgroupIdMode::kExplicit) header.subgroup_id = values.number();
  if (values.coin()) header.publisher_priority = static_cast<std::uint8_t>(values.below(256));
  header.has_extensions = values.coin();
  header.contains_end_of_group = values.coin();
  header.begins_with_first_object = draft >= Draft::k18 && values.coin();
  Written made;
  require(encode_subgroup_header(draft, header, made.bytes));
  Json objects = Json::array();
  std::optional<std::uint64_t> previous;
  for (std::uint64_t i = values.below(5); i > 0; --i) {
    const std::uint64_t id = previous ? *previous + 1 + values.number(300) : values.number(300);
    // Only objects with the status Normal have properties, and a payload.
    const bool is_normal = values.below(8) != 0;
    const ObjectStatus status = is_normal       ? ObjectStatus::kNormal
                                : values.coin() ? ObjectStatus::kEndOfGroup
                                                : ObjectStatus::kEndOfTrack;
    const base::ByteVector block = header.has_extensions && is_normal ? values.block() : base::ByteVector{};
    const base::ByteVector payload = is_normal ? values.bytes(0, 40) : base::ByteVector{};
    require(encode_subgroup_object_header(draft, {id, block, payload.size(), status}, header.has_extensions, previous,
                                          made.bytes));
    append(made.bytes, payload);
    objects.push_back(object_json(draft, id, status, block, payload));
    previous = id;
  }
  made.says = {{"header", header_json(header)}, {"objects", objects}};
  return made;
}

Written random_fetch(RandomValues& values, moqt::GroupOrder order) {
  const Draft draft = values.draft();
  const FetchHeader header{values.number()};
  Written made;
  require(encode_fetch_header(draft, header, made.bytes));
  Json objects = Json::array();
  std::optional<FetchPriorObject> prior;
  moqt::Location at{10'000 + values.number(10'000), values.number(300)};
  for (std::uint64_t i = values.below(6); i > 0; --i) {
    const base::ByteVector block = values.block();
    const base::ByteVector payload = values.bytes(0, 20);
    FetchObjectFields fields{at, values.coin() ? 0 : values.number(4), static_cast<std::uint8_t>(values.below(2)),
                             block, payload.size()};
    fields.datagram = draft != Draft::k15 && values.below(4) == 0;
    require(encode_fetch_object_header(draft, fields, prior, made.bytes, order));
    append(made.bytes, payload);
    prior = fields.prior();
    Json object = object_json(draft, at.object, ObjectStatus::kNormal, block, payload);
    object["group_id"] = at.group;
    object["subgroup_id"] = fields.datagram ? Json() : Json(fields.subgroup_id);
    object["publisher_priority"] = fields.publisher_priority;
    objects.push_back(std::move(object));
    if (values.coin()) {
      at.object += 1 + values.number(300);
    } else {
      const std::uint64_t step = 1 + values.number(300);
      at = {order == moqt::GroupOrder::kDescending ? at.group - step : at.group + step, values.number(300)};
    }
  }
  made.says = {{"header", header_json(header)}, {"objects", objects}};
  return made;
}

Written random_datagram(RandomValues& values) {
  ObjectDatagram datagram;
  datagram.track_alias = values.number();
  datagram.location = {values.number(), values.coin() ? 0 : values.number()};
  if (values.coin()) datagram.publisher_priority = static_cast<std::uint8_t>(values.below(256));
  if (values.below(4) == 0) {
    datagram.status = values.coin() ? ObjectStatus::kEndOfGroup : ObjectStatus::kEndOfTrack;
  } else {
    datagram.end_of_group = values.coin();
    datagram.payload = base::SharedBytes::copy_of(values.bytes(0, 40));
    datagram.extensions = base::SharedBytes::copy_of(values.block());
  }
  Written made;
  require(encode_object_datagram(values.draft(), datagram, made.bytes));
  made.says = datagram_json(values.draft(), datagram);
  return made;
}

}  // namespace msquic_py::tests
