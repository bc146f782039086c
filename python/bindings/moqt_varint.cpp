#include <array>

#include "moqt/wire/codec.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using moqt::wire::Codec;

std::uint64_t checked_value(const Codec& codec, IntegerArgument value) {
  return value.checked("value", codec.largest_integer);
}

}  // namespace

void bind_varint(nb::module_& m) {
  m.def(
      "encode_varint",
      [](IntegerArgument value, IntegerArgument draft) {
        const Codec& codec = moqt::wire::codec_for(checked_draft(draft));
        std::array<std::uint8_t, moqt::wire::kMaxIntegerSize> out;
        const std::size_t size = codec.encode_integer(checked_value(codec, value), out.data());
        return nb::bytes(out.data(), size);
      },
      nb::arg("value"), nb::kw_only(), nb::arg("draft") = kDefaultDraft,
      "The shortest encoding of `value`, 1, 2, 4 or 8 bytes (section 1.4, RFC 9000 section 16); in drafts from 17 on, "
      "1\n"
      "to 9 bytes.\n\n"
      "Raises EncodeError unless 0 <= value <= 2**62 - 1, from draft 17 on 2**64 - 1.");
  m.def(
      "decode_varint",
      [](const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
        const auto decoded = moqt::wire::codec_for(checked_draft(draft)).decode_integer(from_offset(data, offset));
        if (!decoded) raise_need_more_data("variable-length integer");
        return nb::make_tuple(decoded->value, decoded->size);
      },
      nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
      nb::sig("def decode_varint(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
              "tuple[int, int]"),
      "The variable-length integer at `offset` and the number of bytes that it occupies; minimal or not.\n\n"
      "Raises NeedMoreData when `data` ends inside it.");
  m.def(
      "varint_size",
      [](IntegerArgument value, IntegerArgument draft) {
        const Codec& codec = moqt::wire::codec_for(checked_draft(draft));
        return codec.integer_size(checked_value(codec, value));
      },
      nb::arg("value"), nb::kw_only(), nb::arg("draft") = kDefaultDraft,
      "The number of bytes of the shortest encoding of `value`: 1, 2, 4 or 8, in drafts from 17 on 1 to 9.\n\n"
      "Raises EncodeError unless 0 <= value <= 2**62 - 1, from draft 17 on 2**64 - 1.");
}

}  // namespace msquic_py::python
