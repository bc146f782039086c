#include "moqt_track_namespace.h"

#include <nanobind/stl/string.h>

#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "moqt/model/full_track_name.h"
#include "moqt/wire/violations.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {
namespace {

using moqt::TrackNamespace;

nb::tuple fields_of(const TrackNamespace& value) {
  nb::list fields;
  for (const base::ByteVector& field : value.fields()) fields.append(to_python(field));
  return nb::tuple(fields);
}

nb::bytes encode_namespace(const TrackNamespace& self) {
  if (self.field_count() > moqt::kMaxNamespaceFields)
    raise_encode_error("track_namespace", "must have at most 32 fields (section 2.4.1)");
  if (self.length() > moqt::kMaxFullTrackNameLength)
    raise_encode_error("track_namespace", "must have at most 4096 bytes (section 2.4.1)");
  base::ByteVector bytes;
  base::ByteWriter writer(bytes);
  writer.write_varint(self.field_count());
  for (const base::ByteVector& field : self.fields()) {
    writer.write_varint(field.size());
    writer.write_bytes(field);
  }
  return to_python(bytes);
}

nb::tuple decode_namespace(const BufferArgument& data, std::size_t offset) {
  base::ByteReader reader(from_offset(data, offset));
  const auto count = reader.read_varint();
  if (!count) raise_need_more_data("Track Namespace");
  if (*count > moqt::kMaxNamespaceFields)
    raise_violation(moqt::wire::protocol_violation("track namespace with more than 32 fields (section 2.4.1)"));
  std::vector<base::ByteVector> fields;
  std::uint64_t length = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto size = reader.read_varint();
    if (!size) raise_need_more_data("Track Namespace");
    length += *size;
    if (length > moqt::kMaxFullTrackNameLength)
      raise_violation(moqt::wire::protocol_violation("track namespace longer than 4096 bytes (section 2.4.1)"));
    const auto field = reader.read_bytes(*size);
    if (!field) raise_need_more_data("Track Namespace");
    fields.emplace_back(field->begin(), field->end());
  }
  return nb::make_tuple(TrackNamespace(std::move(fields)), reader.position());
}

}  // namespace

TrackNamespace NamespaceArgument::value(const char* field) const {
  if (nb::isinstance<TrackNamespace>(source)) return nb::cast<TrackNamespace>(source);
  if (nb::isinstance<nb::str>(source) || nb::isinstance<nb::bytes>(source) || !PySequence_Check(source.ptr())) {
    const std::string message = std::string(field) + " must be a TrackNamespace or a sequence of str or bytes, not " +
                                nb::type_name(source.type()).c_str();
    throw nb::type_error(message.c_str());
  }
  TrackNamespace value;
  for (nb::handle item : source) value.append(text_or_bytes(item, field));
  return value;
}

void bind_track_namespace(nb::module_& m) {
  nb::class_<TrackNamespace> cls(
      m, "TrackNamespace",
      "An ordered tuple of byte fields (section 2.4.1). Immutable, hashable, compared byte for byte field by field.\n\n"
      "The wire carries 1 to 32 fields of together at most 4096 bytes, the track name included. str fields are\n"
      "taken as UTF-8: ``TrackNamespace([\"conference\", b\"alice\"])``.");
  cls.def(
         "__init__",
         [](TrackNamespace* self, const NamespaceArgument& fields) {
           new (self) TrackNamespace(fields.value("tuple"));
         },
         nb::arg("tuple") = nb::make_tuple())
      .def_prop_ro("fields", &fields_of, nb::sig("def fields(self) -> collections.abc.Sequence[bytes]"),
                   "The fields, a tuple.")
      .def_prop_ro(
          "tuple", [](const TrackNamespace& self) { return nb::list(fields_of(self)); },
          nb::sig("def tuple(self) -> list[bytes]"), "The fields as a list, a copy: what the constructor was given.")
      .def("encode", &encode_namespace,
           "The number of fields, then each with its length in front (section 2.4.1). A namespace of no fields has an\n"
           "encoding too, though no message of draft-15 may carry it. Raises EncodeError beyond 32 fields or 4096 "
           "bytes.")
      .def_static("decode", &decode_namespace, nb::arg("data"), nb::arg("offset") = 0,
                  nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> "
                          "typing.Tuple[TrackNamespace, int]"),
                  "The namespace at `offset` and the number of bytes that it occupies.\n\n"
                  "Raises NeedMoreData, and ProtocolViolation beyond 32 fields or 4096 bytes.")
      .def("is_prefix_of", &TrackNamespace::is_prefix_of, nb::arg("other"),
           "Whether every field of this one is, in order, a field of `other`. A namespace is a prefix of itself.")
      .def("__len__", &TrackNamespace::field_count)
      .def(
          "__getitem__",
          [](const TrackNamespace& self, nb::handle index) { return nb::object(nb::object(fields_of(self))[index]); },
          nb::sig("def __getitem__(self, index: int, /) -> bytes"))
      .def(
          "__iter__", [](const TrackNamespace& self) { return nb::iter(fields_of(self)); },
          nb::sig("def __iter__(self) -> collections.abc.Iterator[bytes]"))
      .def("__str__", &TrackNamespace::to_text,
           "The fields joined by '/', with what is not printable as \\xNN. For people.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"tuple", fields_of(nb::cast<const TrackNamespace&>(self))}});
      });
  bind_value_semantics<TrackNamespace>(cls,
                                       [](const TrackNamespace& value) { return nb::make_tuple(fields_of(value)); });
}

}  // namespace msquic_py::python
