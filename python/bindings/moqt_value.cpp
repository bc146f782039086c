#include "moqt_value.h"

#include <nanobind/stl/string.h>

namespace msquic_py::python {

std::string representation(nb::handle object, std::initializer_list<std::pair<const char*, nb::object>> fields) {
  std::string text = nb::cast<std::string>(object.type().attr("__name__"));
  text += '(';
  const char* separator = "";
  for (const auto& [name, value] : fields) {
    text.append(separator).append(name).append("=").append(nb::repr(value).c_str());
    separator = ", ";
  }
  return text += ')';
}

}  // namespace msquic_py::python
