#include "unit/vectors/stream_json.h"

#include "unit/vectors/message_json.h"

namespace msquic_py::tests {

using moqt::Draft;
using namespace moqt::wire;

namespace {

const char* mode_name(SubgroupIdMode mode) {
  switch (mode) {
    case SubgroupIdMode::kZero: return "zero";
    case SubgroupIdMode::kFirstObject: return "first_object";
    case SubgroupIdMode::kExplicit: return "explicit";
  }
  return "";
}

}  // namespace

Json header_json(const SubgroupHeader& header) {
  const bool is_explicit = header.subgroup_id_mode == SubgroupIdMode::kExplicit;
  return {{"type", subgroup_header_type(header)},
          {"track_alias", header.track_alias},
          {"group_id", header.group_id},
          {"subgroup_id_mode", mode_name(header.subgroup_id_mode)},
          {"subgroup_id", is_explicit ? Json(header.subgroup_id) : Json()},
          {"publisher_priority", header.publisher_priority ? Json(*header.publisher_priority) : Json()},
          {"extensions_present", header.has_extensions},
          {"contains_end_of_group", header.contains_end_of_group},
          {"begins_with_first_object", header.begins_with_first_object}};
}
Json header_json(const FetchHeader& header) { return {{"type", 5}, {"request_id", header.request_id}}; }
Json header_json(const ControlStreamHeader&) { return {{"type", 0x2F00}}; }
Json header_json(const PaddingStreamHeader&) { return {{"type", 0x132B3E28}}; }

Json object_json(Draft draft, std::uint64_t object_id, moqt::ObjectStatus status, base::Bytes extensions,
                 base::Bytes payload) {
  return {{"object_id", object_id},
          {"object_status", static_cast<std::uint64_t>(status)},
          {"extensions", pairs_to_json(draft, extensions)},
          {"object_payload", to_hex(payload)}};
}

Json datagram_json(Draft draft, const ObjectDatagram& datagram) {
  return {{"track_alias", datagram.track_alias},
          {"group_id", datagram.location.group},
          {"object_id", datagram.location.object},
          {"publisher_priority", datagram.publisher_priority ? Json(*datagram.publisher_priority) : Json()},
          {"extensions", pairs_to_json(draft, datagram.extensions)},
          {"end_of_group", datagram.end_of_group},
          {"object_status", datagram.status ? Json(static_cast<std::uint64_t>(*datagram.status)) : Json()},
          {"object_payload", datagram.status ? Json() : Json(to_hex(datagram.payload))}};
}

}  // namespace msquic_py::tests
