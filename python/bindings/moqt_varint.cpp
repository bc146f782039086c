#include <array>

#include "base/varint.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"

namespace msquic_py::python {

void bind_varint(nb::module_& m) {
  m.def(
      "encode_varint",
      [](IntegerArgument value) {
        std::array<std::uint8_t, base::kVarintMaxSize> out;
        const std::size_t size = base::encode_varint(value.checked("value"), out.data());
        return nb::bytes(out.data(), size);
      },
      nb::arg("value"),
      "The shortest encoding of `value`, 1, 2, 4 or 8 bytes (section 1.4, RFC 9000 section 16).\n\n"
      "Raises EncodeError unless 0 <= value <= 2**62 - 1.");
  m.def(
      "decode_varint",
      [](const BufferArgument& data, std::size_t offset) {
        const auto decoded = base::decode_varint(from_offset(data, offset));
        if (!decoded) raise_need_more_data("variable-length integer");
        return nb::make_tuple(decoded->value, decoded->size);
      },
      nb::arg("data"), nb::arg("offset") = 0,
      nb::sig("def decode_varint(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[int, int]"),
      "The variable-length integer at `offset` and the number of bytes that it occupies; minimal or not.\n\n"
      "Raises NeedMoreData when `data` ends inside it.");
  m.def(
      "varint_size", [](IntegerArgument value) { return base::varint_size(value.checked("value")); }, nb::arg("value"),
      "The number of bytes of the shortest encoding of `value`: 1, 2, 4 or 8.\n\n"
      "Raises EncodeError unless 0 <= value <= 2**62 - 1.");
}

}  // namespace msquic_py::python
