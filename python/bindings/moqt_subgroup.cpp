#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include <optional>
#include <utility>
#include <variant>

#include "locked_class.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/subgroup.h"
#include "moqt_object_fields.h"
#include "moqt_stream_types.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using moqt::Draft;
using moqt::ObjectStatus;
using moqt::wire::SubgroupHeader;
using moqt::wire::SubgroupIdMode;

/// A whole object with its payload as Python holds it.
struct SubgroupObject {
  std::uint64_t object_id = 0;
  ObjectExtensions extensions;
  ObjectStatus status = ObjectStatus::kNormal;
  nb::bytes payload = nb::bytes("", 0);
  std::optional<std::uint64_t> delta;  ///< Object ID Delta as received

  bool operator==(const SubgroupObject& other) const {
    return object_id == other.object_id && status == other.status && extensions.raw.equal(other.extensions.raw) &&
           payload.equal(other.payload);
  }
};

void set_subgroup_id(SubgroupHeader& header, std::optional<IntegerArgument> value) {
  const std::uint64_t id = value ? value->checked("subgroup_id") : 0;
  if (!value) {
    header.subgroup_id_mode = SubgroupIdMode::kFirstObject;
  } else if (header.subgroup_id_mode != SubgroupIdMode::kZero || id != 0) {
    header.subgroup_id_mode = SubgroupIdMode::kExplicit;
  }
  header.subgroup_id = id;
}

void set_priority(SubgroupHeader& header, std::optional<IntegerArgument> value) {
  header.publisher_priority.reset();
  if (value) header.publisher_priority = static_cast<std::uint8_t>(value->checked("publisher_priority", 255));
}

/// Without the bit of later drafts, which is no other type for this.
SubgroupHeaderType type_of(SubgroupHeader header) {
  header.begins_with_first_object = false;
  return static_cast<SubgroupHeaderType>(moqt::wire::subgroup_header_type(header));
}

/// The constructor's subgroup_id. Left out (the ellipsis), it is 0 unless the type says where it comes from.
using SubgroupIdArgument = std::optional<std::variant<IntegerArgument, nb::ellipsis>>;

std::optional<IntegerArgument> subgroup_id_of(const SubgroupIdArgument& argument) {
  if (!argument) return std::nullopt;
  const auto* given = std::get_if<IntegerArgument>(&*argument);
  return given != nullptr ? *given : IntegerArgument{};
}

/// Takes from `type` what no other argument says, and refuses one that contradicts them.
void apply_type(SubgroupHeader& header, nb::handle type, const SubgroupIdArgument& subgroup_id) {
  const std::string mode = nb::cast<std::string>(type.attr("subgroup_id_mode")());
  const bool given = subgroup_id && std::holds_alternative<IntegerArgument>(*subgroup_id);
  if (!given && mode == "first_object") set_subgroup_id(header, std::nullopt);
  if (!subgroup_id && mode == "zero") set_subgroup_id(header, IntegerArgument{});
  header.has_extensions = nb::cast<bool>(type.attr("has_extensions")());
  header.contains_end_of_group = nb::cast<bool>(type.attr("contains_end_of_group")());
  if (mode == "zero" && header.subgroup_id == 0) header.subgroup_id_mode = SubgroupIdMode::kZero;
  if (!nb::cast(type_of(header)).equal(type)) {
    raise_encode_error("header_type", "contradicts subgroup_id or publisher_priority (section 10.4.2)");
  }
}

nb::bytes encode_header(const SubgroupHeader& header, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  if (header.begins_with_first_object && !moqt::has_own_control_streams(draft))
    raise_not_in_draft("first_object", draft);
  base::ByteVector& out = header_scratch();
  if (const auto result = encode_subgroup_header(draft, header, out); !result) raise_encode_error(result.error());
  return to_python(out);
}

nb::tuple decode_header(const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
  const auto decoded = value_or_raise(
      moqt::wire::decode_subgroup_header(checked_draft(draft), from_offset(data, offset)), "SUBGROUP_HEADER");
  return nb::make_tuple(decoded.header, decoded.size);
}

/// Either names the object; both may when they agree.
std::uint64_t object_id_of(IntegerArgument object_id, std::optional<IntegerArgument> delta) {
  const std::uint64_t id = object_id.checked("object_id");
  if (!delta) return id;
  const std::uint64_t number = delta->checked("object_id_delta");
  if (id != 0 && id != number) raise_encode_error("object_id_delta", "contradicts object_id: give one of them");
  return number;
}

nb::bytes encode_object(const SubgroupObject& object, bool extensions_present, std::optional<IntegerArgument> previous,
                        IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::ByteVector extensions = extension_block(draft, object.extensions);
  base::ByteVector& out = header_scratch();
  std::optional<std::uint64_t> previous_object_id;
  if (previous)
    previous_object_id = previous->checked("previous_object_id", moqt::wire::codec_for(draft).largest_integer);
  const auto result = moqt::wire::encode_subgroup_object_header(
      draft, {object.object_id, extensions, object.payload.size(), object.status}, extensions_present,
      previous_object_id, out);
  if (!result) raise_encode_error(result.error());
  return concatenated(out, bytes_of(object.payload));
}

nb::tuple decode_object(const BufferArgument& data, bool extensions_present, std::size_t offset,
                        std::optional<IntegerArgument> previous, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::Bytes bytes = from_offset(data, offset);
  std::optional<std::uint64_t> previous_object_id;
  if (previous)
    previous_object_id = previous->checked("previous_object_id", moqt::wire::codec_for(draft).largest_integer);
  const auto layout = value_or_raise(moqt::wire::codec_for(draft).decode_subgroup_object_header(
                                         bytes, extensions_present, previous_object_id, kNoExtensionsLimit),
                                     "object header");
  const base::Bytes behind = bytes.subspan(layout.size);
  if (behind.size() < layout.payload_length) raise_need_more_data("object payload");
  const auto payload_length = static_cast<std::size_t>(layout.payload_length);
  SubgroupObject object{layout.object_id,
                        checked_extensions(draft, bytes.subspan(layout.extensions_offset, layout.extensions_size)),
                        layout.status, to_python(behind.first(payload_length)), layout.object_id};
  if (previous_object_id) *object.delta -= *previous_object_id + 1;
  return nb::make_tuple(std::move(object), layout.size + payload_length);
}

void bind_subgroup_header(nb::module_& m) {
  LockedClass<SubgroupHeader> cls(
      m, "SubgroupHeader",
      "SUBGROUP_HEADER, the beginning of a stream of objects (section 10.4.2). Mutable.\n\n"
      "The stream type follows from the fields: a `subgroup_id` of None is that of the first object, a\n"
      "`publisher_priority` of None that of the subscription. By default the Subgroup ID is 0 and every object of the\n"
      "stream has an extension block. `header_type`, when given, decides about extensions, end of group\n"
      "and a Subgroup ID that is left out or None instead, and must not contradict the other fields.");
  cls.def(
         "__init__",
         [](SubgroupHeader* self, IntegerArgument track_alias, IntegerArgument group_id,
            const SubgroupIdArgument& subgroup_id, std::optional<IntegerArgument> publisher_priority,
            bool extensions_present, bool contains_end_of_group, std::optional<SubgroupHeaderType> header_type,
            bool first_object) {
           SubgroupHeader header;
           header.track_alias = track_alias.checked("track_alias");
           header.group_id = group_id.checked("group_id");
           set_subgroup_id(header, subgroup_id_of(subgroup_id));
           set_priority(header, publisher_priority);
           header.has_extensions = extensions_present;
           header.contains_end_of_group = contains_end_of_group;
           if (header_type) apply_type(header, nb::cast(*header_type), subgroup_id);
           header.begins_with_first_object = first_object;
           new (self) SubgroupHeader(header);
         },
         nb::arg("track_alias") = 0, nb::arg("group_id") = 0, nb::arg("subgroup_id").none() = nb::ellipsis(),
         nb::arg("publisher_priority").none() = nb::none(), nb::arg("extensions_present") = true,
         nb::arg("contains_end_of_group") = false, nb::arg("header_type").none() = nb::none(),
         nb::arg("first_object") = false,
         nb::sig(
             "def __init__(self, track_alias: int = 0, group_id: int = 0, subgroup_id: int | None = ..., "
             "publisher_priority: int | None = None, extensions_present: bool = True, contains_end_of_group: bool = "
             "False, header_type: SubgroupHeaderType | None = None, first_object: bool = False) -> None"))
      .def_prop_rw(
          "track_alias", [](const SubgroupHeader& self) { return self.track_alias; },
          [](SubgroupHeader& self, IntegerArgument value) { self.track_alias = value.checked("track_alias"); },
          "What stands for the track, from SUBSCRIBE_OK or PUBLISH.")
      .def_prop_rw(
          "group_id", [](const SubgroupHeader& self) { return self.group_id; },
          [](SubgroupHeader& self, IntegerArgument value) { self.group_id = value.checked("group_id"); })
      .def_prop_rw(
          "subgroup_id",
          [](const SubgroupHeader& self) {
            const bool first_object = self.subgroup_id_mode == SubgroupIdMode::kFirstObject;
            return first_object ? std::nullopt : std::optional(self.subgroup_id);
          },
          &set_subgroup_id, nb::for_setter(nb::arg("value").none()),
          "None: the Object ID of the first object on the stream.")
      .def_prop_rw(
          "publisher_priority", [](const SubgroupHeader& self) { return self.publisher_priority; }, &set_priority,
          nb::for_setter(nb::arg("value").none()), "0 (most urgent) to 255; None: as SUBSCRIBE_OK or PUBLISH said.")
      .def_prop_rw(
          "extensions_present", [](const SubgroupHeader& self) { return self.has_extensions; },
          [](SubgroupHeader& self, bool value) { self.has_extensions = value; },
          "Whether every object of the stream has an extension block, which may be empty.")
      .def_prop_rw(
          "contains_end_of_group", [](const SubgroupHeader& self) { return self.contains_end_of_group; },
          [](SubgroupHeader& self, bool value) { self.contains_end_of_group = value; },
          "Whether the last object before the FIN is the last of its group.")
      .def_prop_rw(
          "first_object", [](const SubgroupHeader& self) { return self.begins_with_first_object; },
          [](SubgroupHeader& self, bool value) { self.begins_with_first_object = value; },
          "From draft 18 on: whether the first object on the stream is the first of the subgroup.")
      .def_prop_ro("header_type", &type_of,
                   "The stream type that the fields make; from draft 18 on 0x40 more where first_object is set.")
      .def("encode", &encode_header, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
           "The header with the stream type in front. Raises EncodeError.");
  bind_object_semantics<SubgroupHeader>(cls, "track_alias", "group_id", "subgroup_id", "publisher_priority",
                                        "extensions_present", "contains_end_of_group", "header_type", "first_object");
  m.def("decode_subgroup_header", &decode_header, nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(),
        nb::arg("draft") = kDefaultDraft,
        nb::sig("def decode_subgroup_header(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) "
                "-> tuple[SubgroupHeader, int]"),
        "The header at `offset`, stream type included, and the number of bytes that it occupies.\n\n"
        "Raises NeedMoreData while it is incomplete, ProtocolViolation for another stream type.");
}

void bind_subgroup_object(nb::module_& m) {
  LockedClass<SubgroupObject> cls(
      m, "SubgroupObject",
      "An object on a subgroup stream (section 10.4.2). Mutable.\n\n"
      "`object_id` is absolute; the wire carries its distance from the object before. Programs\n"
      "that count themselves give that distance, `object_id_delta`, and encode without\n"
      "`previous_object_id`. `payload_length` may be given; it must be that of the payload.");
  const std::string init =
      std::string("def __init__(self, object_id: int = 0, extensions: ") + kExtensionsSource +
      " = None, payload: bytes | bytearray | memoryview = b'', object_status: ObjectStatus | None = "
      "..., object_id_delta: int | None = None, payload_length: int | None = None) -> None";
  cls.def(
         "__init__",
         [](SubgroupObject* self, IntegerArgument object_id, nb::handle extensions, const BufferArgument& payload,
            std::optional<ObjectStatus> object_status, std::optional<IntegerArgument> object_id_delta,
            std::optional<IntegerArgument> payload_length) {
           SubgroupObject object{object_id_of(object_id, object_id_delta), make_extensions(extensions),
                                 object_status.value_or(ObjectStatus::kNormal), frozen(payload), std::nullopt};
           check_payload_length(payload_length, object.payload);
           new (self) SubgroupObject(std::move(object));
         },
         nb::arg("object_id") = 0, nb::arg("extensions").none() = nb::none(), nb::arg("payload") = nb::bytes("", 0),
         nb::arg("object_status").none() = ObjectStatus::kNormal, nb::arg("object_id_delta").none() = nb::none(),
         nb::arg("payload_length").none() = nb::none(), nb::sig(init.c_str()))
      .def_prop_rw(
          "object_id", [](const SubgroupObject& self) { return self.object_id; },
          [](SubgroupObject& self, IntegerArgument value) {
            self.object_id = value.checked("object_id");
            self.delta.reset();
          },
          "Object ID within the group.")
      .def_prop_rw(
          "object_id_delta", [](const SubgroupObject& self) { return self.delta.value_or(self.object_id); },
          [](SubgroupObject& self, IntegerArgument value) {
            self.object_id = value.checked("object_id_delta");
            self.delta.reset();
          },
          "Object ID Delta as decoded; otherwise that of the first object on a stream, which is the Object ID.")
      .def_rw("object_status", &SubgroupObject::status, "NORMAL unless the payload is empty.")
      .def("encode", &encode_object, nb::arg("extensions_present") = true,
           nb::arg("previous_object_id").none() = nb::none(), nb::kw_only(), nb::arg("draft") = kDefaultDraft,
           "The object as it stands on the stream. Raises EncodeError.\n\n"
           "`extensions_present` is what the SubgroupHeader says; `previous_object_id` is the ID of the object before\n"
           "on the same stream, None for the first one.");
  bind_object_fields<SubgroupObject>(cls);
  bind_object_semantics<SubgroupObject>(cls, "object_id", "extensions", "payload", "object_status");
  m.def("decode_subgroup_object", &decode_object, nb::arg("data"), nb::arg("extensions_present") = true,
        nb::arg("offset") = 0, nb::arg("previous_object_id").none() = nb::none(), nb::kw_only(),
        nb::arg("draft") = kDefaultDraft,
        nb::sig("def decode_subgroup_object(data: bytes | bytearray | memoryview, extensions_present: bool = True, "
                "offset: int = 0, previous_object_id: int | None = None, *, draft: int = 15) -> tuple[SubgroupObject, "
                "int]"),
        "The object at `offset` and the number of bytes that it occupies; the payload is copied once.\n\n"
        "`extensions_present` is what the SubgroupHeader says; `previous_object_id` is the ID of the object before on\n"
        "the same stream, None for the first one. Raises NeedMoreData while the object is incomplete and\n"
        "ProtocolViolation when it is malformed.");
}

}  // namespace

void bind_subgroup(nb::module_& m) {
  bind_subgroup_header(m);
  bind_subgroup_object(m);
}

}  // namespace msquic_py::python
