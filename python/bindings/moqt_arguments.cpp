#include "moqt_arguments.h"

#include <cstring>
#include <string>

namespace nb = nanobind;

namespace msquic_py::python {

moqt::Draft checked_draft(IntegerArgument number) {
  for (const moqt::Draft draft : moqt::kSupportedDrafts) {
    if (number.representable && number.number == static_cast<std::uint64_t>(draft)) return draft;
  }
  std::string known;
  for (const moqt::Draft draft : moqt::kSupportedDrafts)
    known += (known.empty() ? "" : ", ") + std::to_string(static_cast<unsigned>(draft));
  raise_encode_error("draft", ("is none that is spoken here: " + known + " are").c_str());
}

void raise_wrong_type(const char* name, const char* wanted, nb::handle value) {
  const std::string message = std::string(name) + " must be " + wanted + ", not " + nb::type_name(value.type()).c_str();
  throw nb::type_error(message.c_str());
}

nb::bytes frozen(const BufferArgument& source) {
  if (PyBytes_CheckExact(source.owner())) return nb::borrow<nb::bytes>(source.owner());
  return to_python(source.bytes());
}

base::ByteVector text_or_bytes(nb::handle text, const char* field) {
  if (PyUnicode_Check(text.ptr())) {
    Py_ssize_t size = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (utf8 == nullptr) throw nb::python_error();
    return to_vector({reinterpret_cast<const std::uint8_t*>(utf8), static_cast<std::size_t>(size)});
  }
  BufferArgument buffer;
  if (!buffer.acquire(text.ptr())) raise_wrong_type(field, "str or bytes-like", text);
  return to_vector(buffer.bytes());
}

nb::bytes concatenated(base::Bytes head, base::Bytes tail) {
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(head.size() + tail.size()));
  if (result == nullptr) throw nb::python_error();
  char* out = PyBytes_AsString(result);
  if (!head.empty()) std::memcpy(out, head.data(), head.size());
  if (!tail.empty()) std::memcpy(out + head.size(), tail.data(), tail.size());
  return nb::steal<nb::bytes>(result);
}

base::Bytes from_offset(const BufferArgument& data, std::size_t offset) {
  const base::Bytes bytes = data.bytes();
  if (offset > bytes.size()) throw nb::index_error("offset lies beyond the end of data");
  return bytes.subspan(offset);
}

}  // namespace msquic_py::python
