#include "moqt_track_namespace.h"

#include <nanobind/stl/string.h>

#include <string>

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
