#include <array>
#include <string>

#include "base/varint.h"
#include "msquic_arguments.h"
#include "msquic_errors.h"
#include "msquic_topics.h"

namespace msquic_py::python {
namespace {

std::uint64_t number_argument(nb::handle value) {
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr()))
    raise_named("InvalidArgumentType", "value must be an int");
  const nb::object number = nb::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid()) nb::raise_python_error();
  const unsigned long long converted = PyLong_AsUnsignedLongLong(number.ptr());
  const bool failed = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (failed || converted > base::kVarintMax) {
    raise_named("VarintOutOfRange", "value must be from 0 to 2**62 - 1, the range of a QUIC varint");
  }
  return converted;
}

}  // namespace

void bind_quic_varint(nb::module_& m) {
  m.def(
      "encode_varint",
      [](nb::handle value) {
        std::array<std::uint8_t, base::kVarintMaxSize> out;
        const std::size_t size = base::encode_varint(number_argument(value), out.data());
        return nb::bytes(out.data(), size);
      },
      nb::arg("value").none(), nb::sig("def encode_varint(value: int) -> bytes"),
      "The shortest encoding of `value` as a QUIC varint (RFC 9000 section 16): 1, 2, 4 or 8 bytes.\n\n"
      "Raises VarintOutOfRange unless 0 <= value <= 2**62 - 1.");
  m.def(
      "decode_varint",
      [](nb::handle data, nb::handle offset) {
        const HeldBuffer held(data, "data");
        const std::uint64_t position = unsigned_argument(offset, "offset", ~std::uint64_t{0} >> 1);
        if (position > held.bytes().size()) raise_named("InvalidArgument", "offset lies behind the end of data");
        const auto decoded = base::decode_varint(held.bytes().subspan(position));
        if (!decoded)
          raise_named("IncompleteVarint", "data ends inside a varint: append what follows and decode again");
        return nb::make_tuple(decoded->value, decoded->size);
      },
      nb::arg("data").none(), nb::arg("offset").none() = 0,
      nb::sig("def decode_varint(data: typing_extensions.Buffer, offset: int = 0) -> tuple[int, int]"),
      "The QUIC varint at `offset` of any bytes-like object, minimal or not, and the number of bytes that it "
      "occupies.\n\n"
      "Raises IncompleteVarint when `data` ends inside it.");
  m.def(
      "varint_size", [](nb::handle value) { return base::varint_size(number_argument(value)); },
      nb::arg("value").none(), nb::sig("def varint_size(value: int) -> int"),
      "The number of bytes of the shortest encoding of `value`. Raises VarintOutOfRange like encode_varint().");
}

}  // namespace msquic_py::python
