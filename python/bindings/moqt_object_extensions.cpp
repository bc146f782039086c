#include "moqt_object_extensions.h"

#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "moqt/session/data/object_encoding.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/extensions.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {
namespace {

using moqt::Draft;

void append_pair(base::ByteWriter& writer, nb::handle type_object, nb::handle value) {
  const std::uint64_t type = integer_argument(type_object, "the type of an extension").checked("extensions");
  writer.write_varint(type);
  if (PyLong_Check(value.ptr())) {
    if ((type & 1) != 0) raise_encode_error("extensions", "an odd type must have bytes, not int (section 1.4.2)");
    writer.write_varint(integer_argument(value, "the value of an extension").checked("extensions"));
    return;
  }
  BufferArgument buffer;
  if (!buffer.acquire(value.ptr())) throw nb::type_error("an extension value must be int or bytes-like");
  // Bytes for an even type are those of its variable-length integer; the check of the whole block tells if not.
  if ((type & 1) != 0) writer.write_varint(buffer.bytes().size());
  writer.write_bytes(buffer.bytes());
}

/// Calls `visit(type, bytes of the value)` for every pair of a block that has passed the check.
template <class Visit>
void for_each_pair(base::Bytes raw, Visit visit) {
  base::ByteReader reader(raw);
  while (!reader.at_end()) {
    const std::uint64_t type = *reader.read_varint();
    if ((type & 1) != 0) {
      visit(type, *reader.read_bytes(*reader.read_varint()));
    } else {
      const std::size_t begin = reader.position();
      reader.read_varint();
      visit(type, reader.between(begin, reader.position()));
    }
  }
}

nb::object understood(std::uint64_t type, base::Bytes value) {
  if ((type & 1) != 0) return to_python(value);
  return nb::cast(base::decode_varint(value)->value);
}

nb::list items(const ObjectExtensions& self) {
  nb::list result;
  for_each_pair(self.bytes(), [&](std::uint64_t type, base::Bytes value) {
    result.append(nb::make_tuple(type, understood(type, value)));
  });
  return result;
}

nb::dict headers(const ObjectExtensions& self) {
  nb::dict result;
  for_each_pair(self.bytes(), [&](std::uint64_t type, base::Bytes value) {
    const nb::object key = nb::cast(type);
    if (!result.contains(key)) result[key] = to_python(value);
  });
  return result;
}

nb::object get(const ObjectExtensions& self, IntegerArgument wanted, nb::handle fallback) {
  nb::object result;
  for_each_pair(self.bytes(), [&](std::uint64_t type, base::Bytes value) {
    if (!result.is_valid() && wanted.representable && type == wanted.number) result = understood(type, value);
  });
  return result.is_valid() ? result : nb::borrow(fallback);
}

/// The same pairs. What is inside of Immutable Extensions stays as it is when it is no sequence of pairs, which makes
/// the track malformed and not the block.
std::optional<base::ByteVector> translate(Draft from, Draft to, base::Bytes raw) {
  if (auto whole = moqt::session::translate_extension_block(from, to, raw)) return std::move(*whole);
  const auto pairs = moqt::session::decode_extension_block(from, raw);
  if (!pairs) return std::nullopt;
  auto outside = moqt::session::encode_extension_block(to, *pairs);
  if (!outside) return std::nullopt;
  return std::move(*outside);
}

nb::tuple decode(const BufferArgument& data, std::size_t offset, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::Bytes bytes = from_offset(data, offset);
  const auto length = moqt::wire::codec_for(draft).decode_integer(bytes);
  if (!length || length->value > bytes.size() - length->size) raise_need_more_data("extension headers");
  const base::Bytes raw = bytes.subspan(length->size, static_cast<std::size_t>(length->value));
  if (const auto violation = moqt::wire::check_extensions(draft, raw)) raise_violation(*violation);
  return nb::make_tuple(checked_extensions(draft, raw), length->size + raw.size());
}

nb::bytes encode(const ObjectExtensions& self, IntegerArgument number) {
  const Draft draft = checked_draft(number);
  const base::ByteVector block = extension_block(draft, self);
  std::uint8_t length[moqt::wire::kMaxIntegerSize];
  return concatenated({length, moqt::wire::codec_for(draft).encode_integer(block.size(), length)}, block);
}

}  // namespace

ObjectExtensions checked_extensions(Draft draft, base::Bytes raw) {
  const auto translated = translate(draft, Draft::k15, raw);
  if (!translated) raise_encode_error("extensions", "have a number above 2^62-1, which has no form here");
  return checked_extensions(*translated);
}

base::ByteVector extension_block(Draft draft, const ObjectExtensions& extensions) {
  auto translated = translate(Draft::k15, draft, extensions.bytes());
  if (!translated) raise_encode_error(moqt::wire::EncodeError::kExtensionsMalformed);
  return std::move(*translated);
}

ObjectExtensions make_extensions(nb::handle source) {
  if (source.is_none()) return {};
  if (nb::isinstance<ObjectExtensions>(source)) return nb::cast<const ObjectExtensions&>(source);
  base::ByteVector raw;
  base::ByteWriter writer(raw);
  // Anything with items() is taken as a mapping, as dict() itself does it.
  const nb::object pairs = nb::hasattr(source, "items") ? source.attr("items")() : nb::borrow(source);
  for (nb::handle pair : pairs) {
    if (nb::len(pair) != 2) throw nb::type_error("extensions must be a mapping or pairs of type and value");
    append_pair(writer, nb::object(nb::borrow(pair)[0]), nb::object(nb::borrow(pair)[1]));
  }
  if (moqt::wire::check_extensions(Draft::k15, raw)) raise_encode_error(moqt::wire::EncodeError::kExtensionsMalformed);
  return checked_extensions(raw);
}

void bind_object_extensions(nb::module_& m) {
  nb::class_<ObjectExtensions> cls(
      m, "ObjectExtensions",
      "The extension headers of an object (sections 10.2.1.2, 11). Immutable; order, repetitions and the very bytes\n"
      "are kept, so that unknown ones are passed on unchanged.\n\n"
      "Made of a mapping from types to values, of pairs (a type may repeat), or of another ObjectExtensions. An even\n"
      "type has an int, an odd one bytes; bytes for an even type are those of its variable-length integer.");
  const std::string init = std::string("def __init__(self, headers: ") + kExtensionsSource + " = None) -> None";
  cls.def(
         "__init__",
         [](ObjectExtensions* self, nb::handle source) { new (self) ObjectExtensions(make_extensions(source)); },
         nb::arg("headers").none() = nb::none(), nb::sig(init.c_str()))
      .def_static(
          "decode", &decode, nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
          nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
                  "tuple[ObjectExtensions, int]"),
          "The block with its length at `offset`, and the number of bytes that it occupies.\n\n"
          "Raises NeedMoreData and ProtocolViolation, and EncodeError for a number above 2**62 - 1, which later\n"
          "drafts can write.")
      .def("encode", &encode, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
           "The block with its length in front, as objects on streams carry it.")
      .def_prop_ro(
          "raw", [](const ObjectExtensions& self) { return self.raw; },
          "The block without its length, in the form of draft-15 whatever draft it came in.")
      .def_prop_ro("headers", &headers, nb::sig("def headers(self) -> dict[int, bytes]"),
                   "The bytes of every value by type, a copy; of a type that repeats, the first. The bytes of an even\n"
                   "type are those of its variable-length integer: items() and get() give the number.")
      .def("items", &items, nb::sig("def items(self) -> list[tuple[int, int | bytes]]"),
           "Type and value in wire order: int for even types, bytes for odd ones.")
      .def("get", &get, nb::arg("type"), nb::arg("default").none() = nb::none(),
           nb::sig("def get(self, type: int, default: int | bytes | None = None) -> int | bytes | None"),
           "The value of the first header with that type.")
      .def(
          "__contains__",
          [](const ObjectExtensions& self, IntegerArgument type) { return !get(self, type, nb::none()).is_none(); },
          nb::arg("type"))
      .def("__len__",
           [](const ObjectExtensions& self) {
             std::size_t count = 0;
             for_each_pair(self.bytes(), [&](std::uint64_t, base::Bytes) { ++count; });
             return count;
           })
      .def("__repr__", [](nb::handle self) {
        return "ObjectExtensions(" + std::string(nb::repr(items(nb::cast<const ObjectExtensions&>(self))).c_str()) +
               ")";
      });
  cls.def(
         "__eq__",
         [](const ObjectExtensions& self, const ObjectExtensions& other) { return self.raw.equal(other.raw); },
         nb::is_operator(), nb::arg("other"), nb::sig(kEqualitySignature))
      .def("__hash__", [](const ObjectExtensions& self) { return nb::hash(self.raw); })
      .def(
          "__reduce__",
          [](nb::handle self) {
            nb::list pairs;
            for_each_pair(nb::cast<const ObjectExtensions&>(self).bytes(), [&](std::uint64_t type, base::Bytes value) {
              pairs.append(nb::make_tuple(type, to_python(value)));
            });
            return nb::make_tuple(self.type(), nb::make_tuple(pairs));
          },
          nb::sig("def __reduce__(self) -> typing.Any"));
}

}  // namespace msquic_py::python
