#include <nanobind/operators.h>
#include <nanobind/stl/string.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "moqt/model/location.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

using moqt::Location;

void bind_location(nb::module_& m) {
  nb::class_<Location> cls(
      m, "Location",
      "The place of an object in its track (section 1.4.1). Immutable; ordered by group, then by object.");
  cls.def(
         "__init__",
         [](Location* self, IntegerArgument group, IntegerArgument object) {
           new (self) Location{group.checked("group"), object.checked("object")};
         },
         nb::arg("group") = 0, nb::arg("object") = 0)
      .def_ro("group", &Location::group, "Group ID.")
      .def_ro("object", &Location::object, "Object ID within the group.")
      .def(nb::self < nb::self)
      .def(nb::self <= nb::self)
      .def(nb::self > nb::self)
      .def(nb::self >= nb::self)
      .def(
          "encode",
          [](const Location& self) {
            base::ByteVector bytes;
            base::ByteWriter writer(bytes);
            writer.write_varint(self.group);
            writer.write_varint(self.object);
            return to_python(bytes);
          },
          "Group ID and Object ID as two variable-length integers (section 1.4.1).")
      .def_static(
          "decode",
          [](const BufferArgument& data, std::size_t offset) {
            base::ByteReader reader(from_offset(data, offset));
            const auto group = reader.read_varint();
            const auto object = reader.read_varint();
            if (!group || !object) raise_need_more_data("Location");
            return nb::make_tuple(Location{*group, *object}, reader.position());
          },
          nb::arg("data"), nb::arg("offset") = 0,
          nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[Location, int]"),
          "The Location at `offset` and the number of bytes that it occupies. Raises NeedMoreData.")
      .def("__repr__", [](nb::handle self) {
        const auto& location = nb::cast<const Location&>(self);
        return representation(self, {{"group", nb::cast(location.group)}, {"object", nb::cast(location.object)}});
      });
  bind_value_semantics<Location>(cls, [](const Location& value) { return nb::make_tuple(value.group, value.object); });
}

}  // namespace msquic_py::python
