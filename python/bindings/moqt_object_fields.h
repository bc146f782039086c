#pragma once

// What every kind of object has in Python: extensions, a status, and a payload that is bytes.

#include <nanobind/nanobind.h>

#include <limits>
#include <optional>

#include "moqt/model/object_status.h"
#include "moqt_arguments.h"
#include "moqt_object_extensions.h"

namespace msquic_py::python {

/// Whoever calls the codec here has the whole object in memory already: no limit of ours applies.
inline constexpr std::size_t kNoExtensionsLimit = std::numeric_limits<std::uint32_t>::max();

/// Memory for the bytes in front of a payload, empty, reused by every call on this thread.
inline base::ByteVector& header_scratch() {
  thread_local base::ByteVector scratch;
  scratch.clear();
  return scratch;
}

/// The argument `payload_length`, which may say what follows from the payload anyway.
inline void check_payload_length(std::optional<IntegerArgument> argument, const nb::bytes& payload) {
  if (argument && argument->checked("payload_length") != payload.size())
    raise_encode_error("payload_length", "is not the number of bytes of the payload: give the payload alone");
}

/// The properties `extensions` and `payload` of a class that has members of these names.
template <class Object, class Class>
void bind_object_fields(Class& cls) {
  static const std::string setter = std::string("def extensions(self, value: ") + kExtensionsSource + ", /) -> None";
  cls.def_prop_rw(
         "extensions", [](const Object& self) { return self.extensions; },
         [](Object& self, nb::handle value) { self.extensions = make_extensions(value); },
         nb::for_setter(nb::arg("value").none()), nb::for_setter(nb::sig(setter.c_str())),
         "The extension headers; empty when there are none. Only a NORMAL object may have any (section 10.2.1.2).")
      .def_prop_rw(
          "payload", [](const Object& self) { return self.payload; },
          [](Object& self, const BufferArgument& value) { self.payload = frozen(value); },
          nb::for_setter(nb::sig("def payload(self, value: bytes | bytearray | memoryview, /) -> None")), "bytes.")
      .def_prop_ro(
          "payload_length", [](const Object& self) { return self.payload.size(); }, "Bytes of the payload.");
}

/// ==, repr() and pickling by the constructor's arguments, whose names are `names`. `form(self)` is a tuple of the
/// arguments behind those: what of its encoding an object keeps in a copy, though equality does not ask for it.
template <class Object, class Class, class Form, class... Names>
void bind_object_semantics_and(Class& cls, Form form, Names... names) {
  const auto values = [form, names...](nb::handle self) -> nb::object {
    return nb::make_tuple(self.attr(names)...) + form(nb::cast<const Object&>(self));
  };
  cls.def(
         "__eq__", [](const Object& self, const Object& other) { return self == other; }, nb::is_operator(),
         nb::arg("other").lock(), nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__repr__",
           [names...](nb::handle self) {
             std::string text = nb::cast<std::string>(self.type().attr("__name__")) + '(';
             const char* separator = "";
             ((text.append(separator).append(names).append("=").append(nb::repr(self.attr(names)).c_str()),
               separator = ", "),
              ...);
             return text += ')';
           })
      .def(
          "__reduce__", [values](nb::handle self) { return nb::make_tuple(self.type(), values(self)); },
          nb::sig("def __reduce__(self) -> typing.Any"));
}
template <class Object, class Class, class... Names>
void bind_object_semantics(Class& cls, Names... names) {
  bind_object_semantics_and<Object>(
      cls, [](const Object&) { return nb::make_tuple(); }, names...);
}

}  // namespace msquic_py::python
