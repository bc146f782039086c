#include "msquic_arguments.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>

#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

[[noreturn]] void raise_type(const char* name, const char* wanted, nb::handle value) {
  const std::string actual = nb::cast<std::string>(nb::handle(value.type()).attr("__name__"));
  raise_named("InvalidArgumentType", std::string(name) + " must be " + wanted + ", not " + actual);
}

std::string bytes_text(nb::handle value) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(value.ptr(), &data, &size) != 0) nb::raise_python_error();
  return {data, static_cast<std::size_t>(size)};
}

std::string str_text(nb::handle value) {
  Py_ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (data == nullptr) nb::raise_python_error();
  return {data, static_cast<std::size_t>(size)};
}

std::vector<nb::object> items(nb::handle value, const char* name, const char* wanted) {
  if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr())) raise_type(name, wanted, value);
  const nb::object iterator = nb::steal(PyObject_GetIter(value.ptr()));
  if (!iterator.is_valid()) {
    PyErr_Clear();
    raise_type(name, wanted, value);
  }
  std::vector<nb::object> result;
  while (PyObject* const item = PyIter_Next(iterator.ptr())) result.push_back(nb::steal(item));
  if (PyErr_Occurred() != nullptr) nb::raise_python_error();
  return result;
}

}  // namespace

std::uint64_t unsigned_argument(nb::handle value, const char* name, std::uint64_t largest) {
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr())) raise_type(name, "an int", value);
  const nb::object number = nb::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid()) nb::raise_python_error();
  const unsigned long long converted = PyLong_AsUnsignedLongLong(number.ptr());
  const bool failed = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (failed || converted > largest) {
    raise_named("InvalidArgument", std::string(name) + " must be from 0 to " + std::to_string(largest));
  }
  return converted;
}

unsigned flags_argument(nb::handle value, const char* name, unsigned allowed) {
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr())) raise_type(name, "a flag", value);
  const std::uint64_t bits = unsigned_argument(value, name, ~std::uint64_t{0});
  if ((bits & ~std::uint64_t{allowed}) != 0) {
    raise_named("InvalidArgument", std::string(name) + " has a flag that this call does not know: " +
                                       nb::cast<std::string>(nb::str(value)));
  }
  return static_cast<unsigned>(bits);
}

bool bool_argument(nb::handle value, const char* name) {
  if (!PyBool_Check(value.ptr())) raise_type(name, "True or False", value);
  return value.ptr() == Py_True;
}

std::string text_argument(nb::handle value, const char* name) {
  if (!PyUnicode_Check(value.ptr())) raise_type(name, "a str", value);
  std::string text = str_text(value);
  if (text.find('\0') != std::string::npos) {
    raise_named("InvalidArgument", std::string(name) + " must not contain a null character");
  }
  return text;
}

std::string host_argument(nb::handle value, const char* name) {
  std::string text = text_argument(value, name);
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), ascii)) return text;
  const nb::object encoded = nb::steal(PyUnicode_AsEncodedString(value.ptr(), "idna", "strict"));
  if (!encoded.is_valid()) {
    PyErr_Clear();
    raise_named("InvalidArgument", std::string(name) + " '" + text + "' is not a name that DNS can carry (IDNA)");
  }
  return bytes_text(encoded);
}

std::string path_argument(nb::handle value, const char* name) {
  if (value.is_none()) return {};
  const nb::object path = nb::steal(PyOS_FSPath(value.ptr()));
  if (!path.is_valid()) {
    PyErr_Clear();
    raise_type(name, "a path (str, bytes or os.PathLike)", value);
  }
  std::string text;
  if (PyBytes_Check(path.ptr())) {
    text = bytes_text(path);
  } else {
    const nb::object encoded = nb::steal(PyUnicode_EncodeFSDefault(path.ptr()));
    if (!encoded.is_valid()) nb::raise_python_error();
    text = bytes_text(encoded);
  }
  if (text.empty() || text.find('\0') != std::string::npos) {
    raise_named("InvalidArgument", std::string(name) + " must be a path, neither empty nor with a null character");
  }
  return text;
}

std::vector<std::string> alpn_argument(nb::handle value) {
  static constexpr const char* kWanted = "a list of str or bytes, e.g. [\"h3\"]";
  std::vector<std::string> alpns;
  for (const nb::object& item : items(value, "alpn_list", kWanted)) {
    if (PyBytes_Check(item.ptr())) {
      alpns.push_back(bytes_text(item));
    } else if (PyUnicode_Check(item.ptr())) {
      alpns.push_back(str_text(item));
    } else {
      raise_type("each ALPN", "a str or bytes", item);
    }
    if (alpns.back().empty() || alpns.back().size() > 255) {
      raise_named("InvalidArgument", "each ALPN must have 1 to 255 bytes");
    }
  }
  if (alpns.empty()) raise_named("InvalidArgument", "alpn_list must name at least one ALPN, e.g. [\"h3\"]");
  return alpns;
}

std::vector<std::string> text_sequence_argument(nb::handle value, const char* name) {
  std::vector<std::string> texts;
  for (const nb::object& item : items(value, name, "a list of str")) texts.push_back(text_argument(item, name));
  return texts;
}

std::vector<std::uint32_t> numbers_argument(nb::handle value, const char* name) {
  if (PySequence_Check(value.ptr()) == 0 || PyUnicode_Check(value.ptr()) != 0 || PyBytes_Check(value.ptr()) != 0)
    raise_type(name, "a sequence of int", value);
  std::vector<std::uint32_t> numbers;
  for (const nb::handle each : nb::borrow<nb::sequence>(value))
    numbers.push_back(static_cast<std::uint32_t>(unsigned_argument(each, name, 0xffffffff)));
  return numbers;
}

quic::Address address_argument(const std::string& text, std::uint16_t port, const char* name) {
  const auto address = quic::Address::parse(text, port);
  if (!address) raise_named("InvalidArgument", std::string(name) + " must be an IP address such as 127.0.0.1 or ::1");
  return *address;
}

quic::Address local_address_argument(nb::handle value) {
  constexpr const char* kName = "local_address";
  if (!nb::isinstance<nb::tuple>(value)) return address_argument(text_argument(value, kName), 0, kName);
  const auto pair = nb::borrow<nb::tuple>(value);
  if (pair.size() != 2) raise_named("InvalidArgument", "local_address must be an IP address, or it with a port");
  return address_argument(text_argument(pair[0], kName),
                          static_cast<std::uint16_t>(unsigned_argument(pair[1], "the port of local_address", 65535)),
                          kName);
}

std::chrono::milliseconds timeout_argument(nb::handle value, const char* name) {
  const double seconds = PyFloat_AsDouble(value.ptr());
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise_type(name, "a number of seconds", value);
  }
  if (!(seconds >= 0.0) || seconds > 1e6) {
    raise_named("InvalidArgument", std::string(name) + " must be from 0 to 1000000 seconds");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000.0)));
}

HeldBuffer::HeldBuffer(nb::handle data, const char* name) {
  if (acquire_buffer(data.ptr(), view_) == 0) return;
  PyErr_Clear();
  raise_type(name, "a contiguous bytes-like object", data);
}

}  // namespace msquic_py::python
