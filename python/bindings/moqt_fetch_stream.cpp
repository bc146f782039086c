#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include <optional>
#include <utility>
#include <variant>

#include "locked_class.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/draft15/chosen_form.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt_object_fields.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {
namespace {

using moqt::Draft;
using moqt::Location;
using moqt::ObjectStatus;
using moqt::wire::FetchHeader;
using moqt::wire::FetchPriorObject;

// The codec works with the bits; that they have names is a convenience of Python.
enum class Flags : std::uint8_t {};

constexpr std::uint64_t kFetchStreamType = 0x05;  // [d15 §10.4.4]
constexpr std::uint64_t kDefaultPriority = 128;

/// A whole object with its payload as Python holds it.
struct FetchObject {
  FetchPriorObject place;  ///< also what the object behind it may leave out
  ObjectExtensions extensions;
  ObjectStatus status = ObjectStatus::kNormal;
  nb::bytes payload = nb::bytes("", 0);
  std::optional<std::uint8_t> flags;         ///< as received
  std::optional<std::uint8_t> chosen_flags;  ///< to be sent
  bool datagram = false;                     ///< from draft 16 on
  /// What the object behind it may leave out, as received: that of another one for a datagram.
  std::optional<FetchPriorObject> behind{};

  bool operator==(const FetchObject& other) const {
    return place == other.place && datagram == other.datagram && status == other.status &&
           extensions.raw.equal(other.extensions.raw) && payload.equal(other.payload);
  }
};

/// The number that an argument names; `absent` for None, which programs give for what the flags leave out.
std::uint64_t number_or(std::uint64_t absent, std::optional<IntegerArgument> argument, const char* field,
                        std::uint64_t largest = base::kVarintMax) {
  return argument ? argument->checked(field, largest) : absent;
}

/// The end of a range that is not on the stream, in the place of an object.
struct FetchRangeEnd {
  moqt::wire::FetchRangeEnd end;
  std::optional<FetchPriorObject> behind{};  ///< as FetchObject::behind
  bool operator==(const FetchRangeEnd& other) const { return end == other.end; }
};

/// The argument `prior`: what stands before on the stream.
using PriorArgument = std::optional<std::variant<FetchObject, FetchRangeEnd>>;

std::optional<FetchPriorObject> place_of(const FetchObject& prior) {
  if (prior.behind) return prior.behind;
  if (!prior.datagram) return prior.place;
  return FetchPriorObject{prior.place.location, 0, prior.place.publisher_priority, false};
}
std::optional<FetchPriorObject> place_of(const PriorArgument& prior) {
  if (!prior) return std::nullopt;
  if (const auto* object = std::get_if<FetchObject>(&*prior)) return place_of(*object);
  const auto& range = std::get<FetchRangeEnd>(*prior);
  return range.behind ? range.behind : moqt::wire::prior_behind(range.end, std::nullopt);
}

moqt::wire::FetchObjectFields fetch_fields(const FetchObject& object, base::Bytes extensions) {
  return {object.place.location,
          object.place.subgroup_id,
          object.place.publisher_priority,
          extensions,
          object.payload.size(),
          object.status,
          object.datagram};
}
moqt::wire::FetchObjectFields fetch_fields(const FetchObject& object) {
  return fetch_fields(object, object.extensions.bytes());
}

void check_flags(const FetchObject& object, const std::optional<FetchPriorObject>& prior) {
  const char* problem = moqt::wire::draft15::contradiction(*object.chosen_flags, fetch_fields(object), prior);
  if (problem != nullptr) raise_encode_error("serialization_flags", problem);
}

void assign_flags(FetchObject& object, std::optional<IntegerArgument> value) {
  object.flags.reset();
  object.chosen_flags.reset();
  if (value) object.chosen_flags = static_cast<std::uint8_t>(value->checked("serialization_flags", 0x3F));
}

/// The argument serialization_flags of a copy.
nb::tuple fetch_form(const FetchObject& object) {
  if (object.datagram) return nb::make_tuple(object.chosen_flags, nb::none(), true);
  if (!object.chosen_flags) return nb::make_tuple();
  return nb::make_tuple(*object.chosen_flags);
}

nb::bytes encode_fetch_object(const FetchObject& object, const PriorArgument& prior, IntegerArgument number,
                              moqt::GroupOrder order) {
  const Draft draft = checked_draft(number);
  const base::ByteVector extensions = extension_block(draft, object.extensions);
  base::ByteVector& out = header_scratch();
  const std::optional<FetchPriorObject> place = place_of(prior);
  if (object.chosen_flags && !moqt::has_status_in_fetch(draft)) raise_not_in_draft("serialization_flags", draft);
  if (object.datagram && moqt::has_status_in_fetch(draft)) raise_not_in_draft("datagram", draft);
  if (object.chosen_flags) check_flags(object, place);
  const auto result =
      object.chosen_flags
          ? moqt::wire::draft15::encode_fetch_object_as(fetch_fields(object), *object.chosen_flags, out)
          : moqt::wire::encode_fetch_object_header(draft, fetch_fields(object, extensions), place, out, order);
  if (!result) raise_encode_error(result.error());
  return concatenated(out, bytes_of(object.payload));
}

nb::bytes encode_range_end(const FetchRangeEnd& range, const PriorArgument& prior, IntegerArgument number,
                           moqt::GroupOrder order) {
  const Draft draft = checked_draft(number);
  base::ByteVector& out = header_scratch();
  const auto result = moqt::wire::encode_fetch_range_end(draft, range.end, place_of(prior), out, order);
  if (!result && result.error() == moqt::wire::EncodeError::kNotInDraft) raise_not_in_draft("range", draft);
  if (!result) raise_encode_error(result.error());
  return to_python(out);
}

nb::tuple decode_fetch(base::Bytes bytes, const std::optional<FetchPriorObject>& prior, IntegerArgument number,
                       moqt::GroupOrder order) {
  const Draft draft = checked_draft(number);
  const auto decoded =
      value_or_raise(moqt::wire::codec_for(draft).decode_fetch_object_header(bytes, prior, order, kNoExtensionsLimit),
                     "object header");
  const auto& layout = decoded.object;
  if (const auto gap = decoded.gap())
    return nb::make_tuple(FetchRangeEnd{{{decoded.group_id, layout.object_id}, *gap}, decoded.prior}, layout.size);
  const base::Bytes behind = bytes.subspan(layout.size);
  if (behind.size() < layout.payload_length) raise_need_more_data("object payload");
  const auto payload_length = static_cast<std::size_t>(layout.payload_length);
  FetchObject object{{{decoded.group_id, layout.object_id}, decoded.subgroup_id, decoded.publisher_priority},
                     checked_extensions(draft, bytes.subspan(layout.extensions_offset, layout.extensions_size)),
                     layout.status,
                     to_python(behind.first(payload_length)),
                     static_cast<std::uint8_t>(decoded.flags),
                     std::nullopt,
                     decoded.datagram,
                     decoded.prior};
  return nb::make_tuple(std::move(object), layout.size + payload_length);
}

void bind_flags(nb::module_& m) {
  using Bits = moqt::wire::FetchSerializationFlags;
  nb::enum_<Flags>(m, "FetchSerializationFlags", nb::is_arithmetic(),
                   "The bits of the Serialization Flags byte of an object on a fetch stream (section 10.4.4).\n\n"
                   "The two low bits are one field: SUBGROUP_PRESENT is SUBGROUP_PRIOR | SUBGROUP_PRIOR_PLUS_ONE.")
      .value("SUBGROUP_ZERO", static_cast<Flags>(Bits::kSubgroupIdZero), "The Subgroup ID is 0.")
      .value("SUBGROUP_PRIOR", static_cast<Flags>(Bits::kSubgroupIdPrior), "It is that of the object before.")
      .value("SUBGROUP_PRIOR_PLUS_ONE", static_cast<Flags>(Bits::kSubgroupIdPriorPlusOne), "One more than that.")
      .value("SUBGROUP_PRESENT", static_cast<Flags>(Bits::kSubgroupIdPresent), "It is a field.")
      .value("OBJECT_ID_PRESENT", static_cast<Flags>(Bits::kObjectIdPresent), "Otherwise one more than before.")
      .value("GROUP_ID_PRESENT", static_cast<Flags>(Bits::kGroupIdPresent), "Otherwise as before.")
      .value("PRIORITY_PRESENT", static_cast<Flags>(Bits::kPriorityPresent), "Otherwise as before.")
      .value("EXTENSIONS_PRESENT", static_cast<Flags>(Bits::kExtensionsPresent), "There is an extension block.")
      .value("DATAGRAM", static_cast<Flags>(Bits::kDatagram), "It was a datagram. From draft 16 on.");
}

void bind_fetch_header(nb::module_& m) {
  LockedClass<FetchHeader> cls(
      m, "FetchHeader", "FETCH_HEADER, the beginning of the stream that answers a FETCH (section 10.4.4). Mutable.");
  cls.def(
         "__init__",
         [](FetchHeader* self, IntegerArgument request_id) {
           new (self) FetchHeader{request_id.checked("request_id")};
         },
         nb::arg("request_id") = 0)
      .def_prop_rw(
          "request_id", [](const FetchHeader& self) { return self.request_id; },
          [](FetchHeader& self, IntegerArgument value) { self.request_id = value.checked("request_id"); },
          "Of the FETCH.")
      .def(
          "encode",
          [](const FetchHeader& self, IntegerArgument draft) {
            base::ByteVector& out = header_scratch();
            if (const auto result = encode_fetch_header(checked_draft(draft), self, out); !result)
              raise_encode_error(result.error());
            return to_python(out);
          },
          nb::kw_only(), nb::arg("draft") = kDefaultDraft, "The header with the stream type in front.");
  cls.attr("STREAM_TYPE") = kFetchStreamType;
  bind_object_semantics<FetchHeader>(cls, "request_id");
  m.def(
      "decode_fetch_header",
      [](const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
        const auto decoded = value_or_raise(
            moqt::wire::decode_fetch_header(checked_draft(draft), from_offset(data, offset)), "FETCH_HEADER");
        return nb::make_tuple(decoded.header, decoded.size);
      },
      nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
      nb::sig("def decode_fetch_header(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
              "tuple[FetchHeader, int]"),
      "The header at `offset`, stream type included, and the number of bytes that it occupies.\n\n"
      "Raises NeedMoreData while it is incomplete, ProtocolViolation for another stream type.");
}

void bind_range_end(nb::module_& m) {
  using moqt::wire::FetchGap;
  nb::enum_<FetchGap>(m, "FetchGap", nb::is_arithmetic(),
                      "Why the objects of a range are not on a fetch stream (draft-22 section 11.4.1.2).")
      .value("NON_EXISTENT", FetchGap::kNonExistent)
      .value("UNKNOWN", FetchGap::kUnknown)
      .value("TIMED_OUT", FetchGap::kTimedOut, "From draft 20 on.");
  nb::class_<FetchRangeEnd> cls(
      m, "FetchRangeEnd",
      "On a fetch stream of drafts from 16 on: what lies between the object before and this place, which is included,\n"
      "is not there. Immutable.");
  cls.def(
         "__init__",
         [](FetchRangeEnd* self, IntegerArgument group_id, IntegerArgument object_id, FetchGap gap) {
           new (self) FetchRangeEnd{{{group_id.checked("group_id"), object_id.checked("object_id")}, gap}};
         },
         nb::arg("group_id"), nb::arg("object_id"), nb::arg("gap") = FetchGap::kNonExistent)
      .def_prop_ro("group_id", [](const FetchRangeEnd& self) { return self.end.end.group; })
      .def_prop_ro("object_id", [](const FetchRangeEnd& self) { return self.end.end.object; })
      .def_prop_ro("location", [](const FetchRangeEnd& self) { return self.end.end; })
      .def_prop_ro(
          "gap", [](const FetchRangeEnd& self) { return self.end.gap; }, "Why.")
      .def("encode", &encode_range_end, nb::arg("prior").none() = nb::none(), nb::kw_only(), nb::arg("draft"),
           nb::arg("group_order") = moqt::GroupOrder::kAscending,
           nb::sig("def encode(self, prior: FetchObject | FetchRangeEnd | None = None, *, draft: int, group_order: "
                   "GroupOrder = ...) -> bytes"),
           "As FetchObject.encode(). Raises EncodeError, NOT_IN_DRAFT for draft-15 and for a gap that a draft has not.")
      .def("__repr__", [](nb::handle self) {
        return representation(
            self,
            {{"group_id", self.attr("group_id")}, {"object_id", self.attr("object_id")}, {"gap", self.attr("gap")}});
      });
  bind_value_semantics<FetchRangeEnd>(cls, [](const FetchRangeEnd& self) {
    return nb::make_tuple(self.end.end.group, self.end.end.object, self.end.gap);
  });
}

void bind_fetch_object(nb::module_& m) {
  LockedClass<FetchObject> cls(
      m, "FetchObject",
      "An object on the stream that answers a FETCH (section 10.4.4). Mutable.\n\n"
      "Its fields are absolute; the wire leaves out what is as in the object before. What it\n"
      "leaves out is chosen by encode(), or by `serialization_flags` when given, which must not\n"
      "contradict the fields. A number that is None is the default: what the flags leave out need\n"
      "not be said. `payload_length` may be given; it must be that of the payload.");
  const std::string init =
      std::string(
          "def __init__(self, group_id: int | None = 0, subgroup_id: int | None = 0, object_id: int | None = 0, "
          "publisher_priority: int | None = 128, extensions: ") +
      kExtensionsSource +
      " = None, payload: bytes | bytearray | memoryview = b'', object_status: ObjectStatus | None = "
      "..., serialization_flags: int | None = None, payload_length: int | None = None, datagram: bool = False) -> "
      "None";
  cls.def(
         "__init__",
         [](FetchObject* self, std::optional<IntegerArgument> group_id, std::optional<IntegerArgument> subgroup_id,
            std::optional<IntegerArgument> object_id, std::optional<IntegerArgument> publisher_priority,
            nb::handle extensions, const BufferArgument& payload, std::optional<ObjectStatus> object_status,
            std::optional<IntegerArgument> serialization_flags, std::optional<IntegerArgument> payload_length,
            bool datagram) {
           FetchObject object{
               {{number_or(0, group_id, "group_id"), number_or(0, object_id, "object_id")},
                number_or(0, subgroup_id, "subgroup_id"),
                static_cast<std::uint8_t>(number_or(kDefaultPriority, publisher_priority, "publisher_priority", 255))},
               make_extensions(extensions),
               object_status.value_or(ObjectStatus::kNormal),
               frozen(payload),
               std::nullopt,
               std::nullopt,
               datagram};
           check_payload_length(payload_length, object.payload);
           assign_flags(object, serialization_flags);
           if (object.chosen_flags) check_flags(object, std::nullopt);
           new (self) FetchObject(std::move(object));
         },
         nb::arg("group_id").none() = 0, nb::arg("subgroup_id").none() = 0, nb::arg("object_id").none() = 0,
         nb::arg("publisher_priority").none() = kDefaultPriority, nb::arg("extensions").none() = nb::none(),
         nb::arg("payload") = nb::bytes("", 0), nb::arg("object_status").none() = ObjectStatus::kNormal,
         nb::arg("serialization_flags").none() = nb::none(), nb::arg("payload_length").none() = nb::none(),
         nb::arg("datagram") = false, nb::sig(init.c_str()))
      .def_prop_rw(
          "group_id", [](const FetchObject& self) { return self.place.location.group; },
          [](FetchObject& self, IntegerArgument value) {
            self.place.location.group = value.checked("group_id");
            self.behind.reset();
          })
      .def_prop_rw(
          "subgroup_id", [](const FetchObject& self) { return self.place.subgroup_id; },
          [](FetchObject& self, IntegerArgument value) {
            self.place.subgroup_id = value.checked("subgroup_id");
            self.behind.reset();
          },
          "For an object that was a datagram, its Object ID.")
      .def_prop_rw(
          "object_id", [](const FetchObject& self) { return self.place.location.object; },
          [](FetchObject& self, IntegerArgument value) {
            self.place.location.object = value.checked("object_id");
            self.behind.reset();
          })
      .def_prop_rw(
          "publisher_priority", [](const FetchObject& self) { return self.place.publisher_priority; },
          [](FetchObject& self, IntegerArgument value) {
            self.place.publisher_priority = static_cast<std::uint8_t>(value.checked("publisher_priority", 255));
            self.behind.reset();
          },
          "0 (most urgent) to 255.")
      .def_rw("object_status", &FetchObject::status,
              "NORMAL unless the payload is empty; from draft 16 on always: what does not exist is a FetchRangeEnd.")
      .def_prop_rw(
          "datagram", [](const FetchObject& self) { return self.datagram; },
          [](FetchObject& self, bool value) {
            self.datagram = value;
            self.behind.reset();
          },
          "From draft 16 on: it was a datagram, and its subgroup_id is not on the wire.")
      .def_prop_ro("location", [](const FetchObject& self) { return self.place.location; })
      .def_prop_rw(
          "serialization_flags",
          [](const FetchObject& self) { return self.chosen_flags ? self.chosen_flags : self.flags; }, &assign_flags,
          nb::for_setter(nb::arg("value").none()),
          "A combination of FetchSerializationFlags: as decoded, which encode() does not ask for, or as assigned, "
          "which\n"
          "encode() writes. None: encode() decides.")
      .def(
          "encode", &encode_fetch_object, nb::arg("prior").none() = nb::none(), nb::kw_only(),
          nb::arg("draft") = kDefaultDraft, nb::arg("group_order") = moqt::GroupOrder::kAscending,
          nb::sig("def encode(self, prior: FetchObject | FetchRangeEnd | None = None, *, draft: int = 15, group_order: "
                  "GroupOrder = ...) -> bytes"),
          "The object as it stands on the stream, without what `prior`, the object before on that stream, already\n"
          "says; None for the first one. Drafts from 18 on count Group IDs in the `group_order` of the fetch. With "
          "`serialization_flags` they say what is left out, and `prior` serves to\n"
          "check them. Raises EncodeError.");
  bind_object_fields<FetchObject>(cls);
  bind_object_semantics_and<FetchObject>(cls, &fetch_form, "group_id", "subgroup_id", "object_id", "publisher_priority",
                                         "extensions", "payload", "object_status");
  m.def(
      "decode_fetch_object",
      [](const BufferArgument& data, std::size_t offset, const PriorArgument& prior) {
        return decode_fetch(from_offset(data, offset), place_of(prior), {kDefaultDraft}, moqt::GroupOrder::kAscending);
      },
      nb::arg("data"), nb::arg("offset") = 0, nb::arg("prior").none() = nb::none(),
      nb::sig(
          "def decode_fetch_object(data: bytes | bytearray | memoryview, offset: int = 0, prior: FetchObject | None "
          "= None) -> tuple[FetchObject, int]"),
      "The object at `offset` and the number of bytes that it occupies; the payload is copied once.\n\n"
      "`prior` is the object before on the same stream, None for the first one. Raises NeedMoreData while the\n"
      "object is incomplete and ProtocolViolation when it is malformed.");
  m.def(
      "decode_fetch_object",
      [](const BufferArgument& data, bool first_object, std::size_t offset, IntegerArgument group_id,
         IntegerArgument subgroup_id, IntegerArgument object_id, IntegerArgument priority) {
        const FetchPriorObject prior{{group_id.checked("prior_group_id"), object_id.checked("prior_object_id")},
                                     subgroup_id.checked("prior_subgroup_id"),
                                     static_cast<std::uint8_t>(priority.checked("prior_priority", 255))};
        return decode_fetch(from_offset(data, offset), first_object ? std::nullopt : std::optional(prior),
                            {kDefaultDraft}, moqt::GroupOrder::kAscending);
      },
      nb::arg("data"), nb::arg("first_object"), nb::arg("offset") = 0, nb::arg("prior_group_id") = 0,
      nb::arg("prior_subgroup_id") = 0, nb::arg("prior_object_id") = 0, nb::arg("prior_priority") = 0,
      nb::sig("def decode_fetch_object(data: bytes | bytearray | memoryview, first_object: bool, offset: int = 0, "
              "prior_group_id: int = 0, prior_subgroup_id: int = 0, prior_object_id: int = 0, prior_priority: int = 0) "
              "-> tuple[FetchObject, int]"),
      "The same with the object before as numbers, which count unless this is the first object on the stream.");
  m.def(
      "decode_fetch_object",
      [](const BufferArgument& data, std::size_t offset, const PriorArgument& prior, IntegerArgument draft,
         moqt::GroupOrder order) { return decode_fetch(from_offset(data, offset), place_of(prior), draft, order); },
      nb::arg("data"), nb::arg("offset") = 0, nb::arg("prior").none() = nb::none(), nb::kw_only(), nb::arg("draft"),
      nb::arg("group_order") = moqt::GroupOrder::kAscending,
      nb::sig("def decode_fetch_object(data: bytes | bytearray | memoryview, offset: int = 0, prior: FetchObject | "
              "FetchRangeEnd | None = None, *, draft: int, group_order: GroupOrder = ...) -> tuple[FetchObject | "
              "FetchRangeEnd, int]"),
      "The same of another draft. From draft 16 on the end of a range that is not on the stream may stand in the "
      "place\n"
      "of an object. Drafts from 18 on count Group IDs in the `group_order` of the fetch.");
}

}  // namespace

void bind_fetch_stream(nb::module_& m) {
  bind_flags(m);
  bind_fetch_header(m);
  bind_range_end(m);
  bind_fetch_object(m);
}

}  // namespace msquic_py::python
