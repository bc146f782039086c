#pragma once

// What every immutable value of this package has beside its fields: ==, hash(), copy and pickle. A value type tells
// its fields once, as the tuple of its constructor's arguments.

#include <nanobind/nanobind.h>

#include <string>

namespace msquic_py::python {

namespace nb = nanobind;

inline constexpr const char* kEqualitySignature = "def __eq__(self, other: typing.Any, /) -> bool";

/// Declares ==, hash and pickling for a bound class. `arguments(value)` is the tuple that constructs an equal one.
template <class T, class Class, class Arguments>
void bind_value_semantics(Class& cls, Arguments arguments) {
  cls.def(
         "__eq__", [](const T& self, const T& other) { return self == other; }, nb::is_operator(), nb::arg("other"),
         nb::sig(kEqualitySignature))
      .def("__hash__", [arguments](const T& self) { return nb::hash(arguments(self)); })
      .def(
          "__reduce__",
          [arguments](nb::handle self) { return nb::make_tuple(self.type(), arguments(nb::cast<const T&>(self))); },
          nb::sig("def __reduce__(self) -> typing.Any"));
}

/// "Location(group=1, object=2)" from names and values.
std::string representation(nb::handle object, std::initializer_list<std::pair<const char*, nb::object>> fields);

}  // namespace msquic_py::python
