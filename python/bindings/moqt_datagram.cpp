#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "base/shared_bytes.h"
#include "locked_class.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/draft15/chosen_form.h"
#include "moqt/wire/type_bits.h"
#include "moqt_object_fields.h"
#include "moqt_stream_types.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using moqt::Draft;
using moqt::ObjectStatus;
using TypeBits = moqt::wire::DatagramTypeBits;

/// An object in a datagram with its payload as Python holds it.
struct ObjectDatagram {
  std::uint64_t track_alias = 0;
  moqt::Location location;
  std::optional<std::uint8_t> publisher_priority;
  ObjectExtensions extensions;
  std::optional<ObjectStatus> status;
  bool end_of_group = false;
  nb::bytes payload = nb::bytes("", 0);
  bool object_id_present = false;  ///< on the wire, though it is 0: as received or chosen

  bool operator==(const ObjectDatagram& other) const {
    return track_alias == other.track_alias && location == other.location &&
           publisher_priority == other.publisher_priority && status == other.status &&
           end_of_group == other.end_of_group && extensions.raw.equal(other.extensions.raw) &&
           payload.equal(other.payload);
  }
};

/// Python's memory as the codec takes it, without copying. Nothing that the codec gives back may outlive the call:
/// the slab behind it owns nothing.
base::SharedBytes borrowed(base::Bytes bytes) {
  static base::Slab* const owns_nothing = base::Slab::create(0);
  return {*owns_nothing, bytes.data(), bytes.size()};
}

/// `extensions` is the block of the draft that is written.
moqt::wire::ObjectDatagram to_wire(const ObjectDatagram& datagram, base::Bytes extensions) {
  moqt::wire::ObjectDatagram wire;
  wire.track_alias = datagram.track_alias;
  wire.location = datagram.location;
  wire.publisher_priority = datagram.publisher_priority;
  wire.extensions = borrowed(extensions);
  wire.end_of_group = datagram.end_of_group;
  wire.status = datagram.status;
  wire.payload = borrowed(bytes_of(datagram.payload));
  return wire;
}
moqt::wire::ObjectDatagram to_wire(const ObjectDatagram& datagram) {
  return to_wire(datagram, datagram.extensions.bytes());
}

std::uint64_t type_number(const ObjectDatagram& datagram, const moqt::wire::ObjectDatagram& wire) noexcept {
  const std::uint64_t type = object_datagram_type(wire);
  return datagram.object_id_present ? type & ~std::uint64_t{TypeBits::kObjectIdAbsent} : type;
}

/// Takes from `type` what no other field says, and refuses one that contradicts them.
void apply_type(ObjectDatagram& datagram, DatagramType argument) {
  const auto type = static_cast<std::uint64_t>(argument);
  datagram.object_id_present = (type & TypeBits::kObjectIdAbsent) == 0;
  if ((type & TypeBits::kEndOfGroup) != 0) datagram.end_of_group = true;
  if ((type & TypeBits::kStatus) != 0 && !datagram.status) datagram.status = ObjectStatus::kNormal;
  if (type_number(datagram, to_wire(datagram)) != type) {
    raise_encode_error("datagram_type",
                       "contradicts object_id, publisher_priority, extensions, object_status or end_of_group (section "
                       "10.3.1)");
  }
}

/// A status beside an end of group has no type: the fields may say so for a while, encode() refuses it.
bool has_type(const ObjectDatagram& datagram) noexcept { return !datagram.status || !datagram.end_of_group; }

DatagramType type_of(const ObjectDatagram& datagram) {
  if (!has_type(datagram)) raise_encode_error(moqt::wire::EncodeError::kDatagramFlags);
  return static_cast<DatagramType>(type_number(datagram, to_wire(datagram)));
}

/// The argument datagram_type of a copy: what the shortest form does not say.
nb::tuple datagram_form(const ObjectDatagram& datagram) {
  if (!datagram.object_id_present || datagram.location.object != 0 || !has_type(datagram)) return nb::make_tuple();
  return nb::make_tuple(type_of(datagram));
}

/// Whether a type may be chosen that is not the shortest: only draft-15 writes it, the one without properties of
/// tracks.
bool chooses_type(Draft draft) noexcept { return !moqt::has_track_properties(draft); }

nb::bytes encode(const ObjectDatagram& datagram, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::ByteVector extensions = extension_block(draft, datagram.extensions);
  base::ByteVector& out = header_scratch();
  const moqt::wire::ObjectDatagram wire = to_wire(datagram, extensions);
  const auto result = chooses_type(draft)
                          ? moqt::wire::draft15::encode_object_datagram_as(wire, type_number(datagram, wire), out)
                          : moqt::wire::encode_object_datagram_header(draft, wire, out);
  if (!result) raise_encode_error(result.error());
  return concatenated(out, bytes_of(datagram.payload));
}

nb::tuple decode(const BufferArgument& data, std::size_t offset, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::Bytes bytes = from_offset(data, offset);
  const auto wire = value_or_raise(moqt::wire::decode_object_datagram(draft, borrowed(bytes)), "datagram");
  ObjectDatagram datagram{
      wire.track_alias, wire.location,     wire.publisher_priority, checked_extensions(draft, wire.extensions),
      wire.status,      wire.end_of_group, to_python(wire.payload)};
  // It was read as one above; the two types that are never sent stay unsent.
  datagram.object_id_present =
      chooses_type(draft) && (base::decode_varint(bytes)->value & TypeBits::kObjectIdAbsent) == 0;
  return nb::make_tuple(std::move(datagram), bytes.size());
}

void set_priority(ObjectDatagram& datagram, std::optional<IntegerArgument> value) {
  datagram.publisher_priority.reset();
  if (value) datagram.publisher_priority = static_cast<std::uint8_t>(value->checked("publisher_priority", 255));
}

}  // namespace

void bind_datagram(nb::module_& m) {
  LockedClass<ObjectDatagram> cls(
      m, "ObjectDatagram",
      "OBJECT_DATAGRAM, an object that is one QUIC datagram (section 10.3.1). Mutable.\n\n"
      "The type follows from the fields. With an `object_status` there is no payload; an\n"
      "empty payload without one is an object of no bytes. `datagram_type`, when given, decides\n"
      "about end of group and about an Object ID field of 0 instead, and must not contradict\n"
      "the other fields.");
  const std::string init =
      std::string(
          "def __init__(self, track_alias: int = 0, group_id: int = 0, object_id: int | None = 0, "
          "publisher_priority: int | None = None, extensions: ") +
      kExtensionsSource +
      " = None, payload: bytes | bytearray | memoryview = b'', object_status: ObjectStatus | None = "
      "None, end_of_group: bool = False, datagram_type: DatagramType | None = None) -> None";
  cls.def(
         "__init__",
         [](ObjectDatagram* self, IntegerArgument track_alias, IntegerArgument group_id,
            std::optional<IntegerArgument> object_id, std::optional<IntegerArgument> publisher_priority,
            nb::handle extensions, const BufferArgument& payload, std::optional<ObjectStatus> object_status,
            bool end_of_group, std::optional<DatagramType> datagram_type) {
           ObjectDatagram datagram{track_alias.checked("track_alias"),
                                   {group_id.checked("group_id"), object_id ? object_id->checked("object_id") : 0},
                                   std::nullopt,
                                   make_extensions(extensions),
                                   object_status,
                                   end_of_group,
                                   frozen(payload)};
           set_priority(datagram, publisher_priority);
           if (datagram_type) apply_type(datagram, *datagram_type);
           new (self) ObjectDatagram(std::move(datagram));
         },
         nb::arg("track_alias") = 0, nb::arg("group_id") = 0, nb::arg("object_id").none() = 0,
         nb::arg("publisher_priority").none() = nb::none(), nb::arg("extensions").none() = nb::none(),
         nb::arg("payload") = nb::bytes("", 0), nb::arg("object_status").none() = nb::none(),
         nb::arg("end_of_group") = false, nb::arg("datagram_type").none() = nb::none(), nb::sig(init.c_str()))
      .def_prop_rw(
          "track_alias", [](const ObjectDatagram& self) { return self.track_alias; },
          [](ObjectDatagram& self, IntegerArgument value) { self.track_alias = value.checked("track_alias"); },
          "What stands for the track, from SUBSCRIBE_OK or PUBLISH.")
      .def_prop_rw(
          "group_id", [](const ObjectDatagram& self) { return self.location.group; },
          [](ObjectDatagram& self, IntegerArgument value) { self.location.group = value.checked("group_id"); })
      .def_prop_rw(
          "object_id", [](const ObjectDatagram& self) { return self.location.object; },
          [](ObjectDatagram& self, IntegerArgument value) { self.location.object = value.checked("object_id"); })
      .def_prop_ro("location", [](const ObjectDatagram& self) { return self.location; })
      .def_prop_rw(
          "publisher_priority", [](const ObjectDatagram& self) { return self.publisher_priority; }, &set_priority,
          nb::for_setter(nb::arg("value").none()), "0 (most urgent) to 255; None: as SUBSCRIBE_OK or PUBLISH said.")
      .def_prop_rw(
          "object_status", [](const ObjectDatagram& self) { return self.status; },
          [](ObjectDatagram& self, std::optional<ObjectStatus> value) { self.status = value; },
          nb::for_setter(nb::arg("value").none()), "None: the object is its payload.")
      .def_prop_rw(
          "end_of_group", [](const ObjectDatagram& self) { return self.end_of_group; },
          [](ObjectDatagram& self, bool value) { self.end_of_group = value; },
          "Whether this is the last object of its group; not beside an object_status.")
      .def_prop_ro("datagram_type", &type_of, "The type that encode() writes. Raises EncodeError where it does.")
      .def("encode", &encode, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
           "The whole datagram. Raises EncodeError. In other drafts than 15 an Object ID of 0 is left out, whatever\n"
           "datagram_type says.");
  bind_object_fields<ObjectDatagram>(cls);
  bind_object_semantics_and<ObjectDatagram>(cls, &datagram_form, "track_alias", "group_id", "object_id",
                                            "publisher_priority", "extensions", "payload", "object_status",
                                            "end_of_group");
  m.def("decode_datagram", &decode, nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(),
        nb::arg("draft") = kDefaultDraft,
        nb::sig("def decode_datagram(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
                "tuple[ObjectDatagram, int]"),
        "The datagram that is `data` from `offset` on, and its size: a datagram ends where it ends.\n\n"
        "Raises ProtocolViolation when it is malformed, which a truncated one is too.");
}

}  // namespace msquic_py::python
