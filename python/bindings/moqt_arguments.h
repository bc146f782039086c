#pragma once

// What the functions of this package take from Python beside plain numbers and text.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/varint.h"
#include "moqt/model/draft.h"
#include "moqt_errors.h"
#include "object_buffer.h"

namespace msquic_py::python {

/// Any Python int, representable on the wire or not, so that a bad one can be refused by the name of its field
/// instead of by a list of C++ signatures.
struct IntegerArgument {
  std::uint64_t number = 0;
  bool representable = true;

  /// The number when it is at most `largest`; raises EncodeError, which names `field`, otherwise.
  [[nodiscard]] std::uint64_t checked(const char* field, std::uint64_t largest = base::kVarintMax) const {
    if (!representable || number > largest) raise_out_of_range(field, largest);
    return number;
  }
};

/// Raises TypeError: `name` must be `wanted`, and `value` is something else.
[[noreturn]] void raise_wrong_type(const char* name, const char* wanted, nanobind::handle value);

/// `value` as a T; raises TypeError, which names it, when it is none.
template <typename T>
T named_argument(nanobind::handle value, const char* name, const char* wanted) {
  T converted{};
  if (!nanobind::try_cast<T>(value, converted)) raise_wrong_type(name, wanted, value);
  return converted;
}

inline IntegerArgument integer_argument(nanobind::handle value, const char* name);
inline bool flag_argument(nanobind::handle value, const char* name) {
  return named_argument<bool>(value, name, "True or False");
}
inline std::string string_argument(nanobind::handle value, const char* name) {
  return named_argument<std::string>(value, name, "a str");
}

/// None, or a number that the wire can carry; raises EncodeError, which names `field`, otherwise.
inline std::optional<std::uint64_t> optional_number(nanobind::handle value, const char* field) {
  if (value.is_none()) return std::nullopt;
  return integer_argument(value, field).checked(field);
}

/// The draft of that number; raises EncodeError when it is none that is spoken here.
moqt::Draft checked_draft(IntegerArgument number);
/// The default of every argument `draft`: this package began with it.
inline constexpr int kDefaultDraft = 15;

/// A bytes-like object, borrowed for the length of a call: its memory cannot move meanwhile, as its owner knows.
class BufferArgument {
 public:
  BufferArgument() noexcept { view_.obj = nullptr; }
  BufferArgument(const BufferArgument&) = delete;
  BufferArgument& operator=(const BufferArgument&) = delete;
  ~BufferArgument() { release(); }

  /// False, with no Python error set, when `object` has no contiguous buffer.
  bool acquire(PyObject* object) noexcept {
    release();
    if (acquire_buffer(object, view_) == 0) return true;
    PyErr_Clear();
    view_.obj = nullptr;
    return false;
  }
  [[nodiscard]] base::Bytes bytes() const noexcept {
    return {static_cast<const std::uint8_t*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }
  /// The object whose memory this is.
  [[nodiscard]] PyObject* owner() const noexcept { return view_.obj; }

 private:
  void release() noexcept {
    if (view_.obj != nullptr) release_buffer(view_);
  }
  Py_buffer view_{};
};

inline nanobind::bytes to_python(base::Bytes bytes) { return nanobind::bytes(bytes.data(), bytes.size()); }
inline base::ByteVector to_vector(base::Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline base::Bytes bytes_of(const nanobind::bytes& value) noexcept {
  return {static_cast<const std::uint8_t*>(value.data()), value.size()};
}
/// `source` itself when it is bytes, which are immutable; a copy otherwise.
nanobind::bytes frozen(const BufferArgument& source);
/// `text` as UTF-8 when it is a str, its bytes when it is bytes-like; raises TypeError, which names `field`, otherwise.
base::ByteVector text_or_bytes(nanobind::handle text, const char* field);
/// One bytes object that holds both.
nanobind::bytes concatenated(base::Bytes head, base::Bytes tail);
/// `data` from `offset` on; raises IndexError when that lies outside.
base::Bytes from_offset(const BufferArgument& data, std::size_t offset);

}  // namespace msquic_py::python

namespace nanobind::detail {

template <>
struct type_caster<msquic_py::python::IntegerArgument> {
  bool from_python(handle source, uint32_t flags, cleanup_list*) noexcept {
    // bool is an int to Python, but True as an identifier is a mistake.
    if (!PyLong_Check(source.ptr()) || PyBool_Check(source.ptr())) {
      if ((flags & cast_flags::convert) == 0 || !PyIndex_Check(source.ptr()) || PyBool_Check(source.ptr()))
        return false;
    }
    PyObject* number = PyNumber_Index(source.ptr());
    if (number == nullptr) return PyErr_Clear(), false;
    value.number = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    value.representable = !(value.number == ~std::uint64_t{0} && PyErr_Occurred() != nullptr);
    PyErr_Clear();
    return true;
  }
  NB_TYPE_CASTER(msquic_py::python::IntegerArgument, const_name("int"))
};

template <>
struct type_caster<msquic_py::python::BufferArgument> {
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept { return value.acquire(source.ptr()); }
  static constexpr auto Name = const_name("bytes | bytearray | memoryview");
  using Value = msquic_py::python::BufferArgument;
  template <typename>
  using Cast = Value&;
  template <typename>
  static constexpr bool can_cast() {
    return true;
  }
  explicit operator Value&() { return value; }
  Value value;
};

}  // namespace nanobind::detail

namespace msquic_py::python {

// Behind the caster that it needs.
inline IntegerArgument integer_argument(nanobind::handle value, const char* name) {
  return named_argument<IntegerArgument>(value, name, "an int");
}

}  // namespace msquic_py::python
