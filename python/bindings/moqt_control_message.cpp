#include <nanobind/stl/string.h>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/byte_writer.h"
#include "locked_class.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/control_message.h"
#include "moqt/wire/message_fields.h"
#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

nb::tuple field_names(nb::handle message) { return nb::borrow<nb::tuple>(message.type().attr("_field_names")); }

base::ByteVector encode(const ControlMessage& message, moqt::Draft draft) {
  const wire::ControlMessage encodable = message.to_wire(draft);
  base::ByteVector bytes;
  if (const auto result = wire::encode_control_message(draft, encodable, bytes); !result.ok()) {
    if (result.error() == wire::EncodeError::kNotInDraft) raise_not_in_draft("message", draft);
    raise_encode_error(result.error());
  }
  return bytes;
}

/// Length of the type and the 16-bit length in front of a payload.
std::size_t frame_size(moqt::Draft draft, base::Bytes frame) {
  return wire::codec_for(draft).decode_integer(frame)->size + 2;
}

/// The number that the draft has for such a message.
std::optional<std::uint64_t> number_of(wire::MessageType type, moqt::Draft draft) {
  std::optional<std::uint64_t> number;
  [&]<std::size_t... Indices>(std::index_sequence<Indices...>) {
    const auto look = [&]<class Body>(std::type_identity<Body>) {
      if (wire::type_of(Body{}) == type) number = wire::number_in<Body>(draft);
    };
    (look(std::type_identity<std::variant_alternative_t<Indices, wire::MessageBody>>{}), ...);
  }
  (std::make_index_sequence<std::variant_size_v<wire::MessageBody>>{});
  return number;
}

bool equal(nb::handle left, nb::handle right) {
  if (!left.type().is(right.type())) return false;
  for (nb::handle name : field_names(left)) {
    if (!nb::getattr(left, name).equal(nb::getattr(right, name))) return false;
  }
  return true;
}

std::string represent(nb::handle self) {
  std::string text = nb::cast<std::string>(self.type().attr("__name__")) + '(';
  const char* separator = "";
  for (nb::handle name : field_names(self)) {
    text.append(separator).append(nb::cast<std::string>(name)).append("=");
    text.append(nb::repr(nb::getattr(self, name)).c_str());
    separator = ", ";
  }
  return text += ')';
}

nb::tuple reduce(nb::handle self) {
  nb::list arguments;
  for (nb::handle name : field_names(self)) arguments.append(nb::getattr(self, name));
  return nb::make_tuple(self.type(), nb::tuple(arguments));
}

nb::tuple decode_any(const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
  DecodedPythonMessage decoded = decode_message(checked_draft(draft), from_offset(data, offset));
  return nb::make_tuple(std::move(decoded.message), decoded.size);
}

}  // namespace

DecodedPythonMessage decode_message(moqt::Draft draft, base::Bytes bytes) {
  auto decoded = value_or_raise(wire::decode_control_message(draft, bytes), "control message");
  const wire::RequestReference request = decoded.message.request;
  return {std::visit(
              [request, draft]<class W>(W& fields) {
                return nb::cast(Message<W>(std::move(fields), request, draft), nb::rv_policy::move);
              },
              decoded.message.body),
          decoded.size};
}

DecodedPythonMessage decode_message_of_type(wire::MessageType type, moqt::Draft draft, base::Bytes bytes) {
  if (!number_of(type, draft)) raise_not_in_draft("message", draft);
  DecodedPythonMessage decoded = decode_message(draft, bytes);
  const wire::MessageType found = nb::cast<const ControlMessage&>(decoded.message).message_type();
  if (found != type) {
    const std::string what =
        std::string(name(found, draft)) + " where " + std::string(name(type, draft)) + " was expected (section 9)";
    raise_violation({static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation), what.c_str()});
  }
  return decoded;
}

nb::object decode_payload(wire::MessageType type, moqt::Draft draft, base::Bytes payload) {
  if (payload.size() > 0xffff) raise_encode_error(wire::EncodeError::kPayloadTooLong);
  const auto number = number_of(type, draft);
  if (!number) raise_not_in_draft("message", draft);
  base::ByteVector frame(wire::kMaxIntegerSize);
  frame.resize(wire::codec_for(draft).encode_integer(*number, frame.data()));
  base::ByteWriter writer(frame);
  writer.write_u16(static_cast<std::uint16_t>(payload.size()));
  writer.write_bytes(payload);
  return decode_message(draft, frame).message;
}

int traverse_message(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!nb::inst_ready(self)) return 0;
  Py_VISIT(nb::inst_ptr<ControlMessage>(self)->parameters.ptr());
  return 0;
}

int clear_message(PyObject* self) {
  nb::inst_ptr<ControlMessage>(self)->parameters = nb::list();
  return 0;
}

moqt::MessageParameters parameters_of_type(const ControlMessage& message, moqt::MessageParameter type) {
  moqt::MessageParameters parameters;
  understand_parameters(message.parameters, static_cast<std::uint64_t>(type), message.message_type(), parameters);
  return parameters;
}

void replace_parameter(ControlMessage& message, const moqt::ParameterList& replacement) {
  set_parameter(message.parameters, nb::cast<const RawParameter&>(to_python(replacement)[0]));
}

void append_parameters(ControlMessage& message, const moqt::ParameterList& addition) {
  message.parameters.extend(to_python(addition));
}

void bind_control_message(nb::module_& m) {
  LockedClass<ControlMessage> cls(
      m, "ControlMessage",
      "Base of all messages of the control stream (section 9). Not to be created itself.\n\n"
      "A message may be built field by field: what the wire cannot carry is refused, with\n"
      "EncodeError, when a field is assigned or by encode(). Messages are mutable and\n"
      "therefore not hashable; they are equal when their class and fields are.");
  cls.def_prop_ro("message_type", &ControlMessage::message_type)
      .def(
          "encode",
          [](const ControlMessage& self, IntegerArgument draft) {
            const base::ByteVector bytes = encode(self, checked_draft(draft));
            return nb::bytes(bytes.data(), bytes.size());
          },
          nb::kw_only(), nb::arg("draft") = kDefaultDraft,
          "The message with its type and length in front, as that draft writes it. Raises EncodeError, whose `code` "
          "is\n"
          "NOT_IN_DRAFT when the draft has no such message, or no place for a value that a field has.")
      .def(
          "encode_payload",
          [](const ControlMessage& self, IntegerArgument number) {
            const moqt::Draft draft = checked_draft(number);
            const base::ByteVector bytes = encode(self, draft);
            const std::size_t skip = frame_size(draft, bytes);
            return nb::bytes(bytes.data() + skip, bytes.size() - skip);
          },
          nb::kw_only(), nb::arg("draft") = kDefaultDraft, "encode() without type and length.")
      .def(
          "__eq__", [](nb::handle self, nb::handle other) { return equal(self, other); }, nb::arg("other"),
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__repr__", &represent)
      .def("__reduce__", &reduce, nb::sig("def __reduce__(self) -> typing.Any"));

  cls.def_static("decode", &decode_any, nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(),
                 nb::arg("draft") = kDefaultDraft,
                 nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
                         "tuple[ControlMessage, int]"),
                 "decode_control_message(). The classes of messages have a decode() for theirs alone.");
  cls.def_static(
      "decode_payload",
      [](const BufferArgument&, std::size_t, IntegerArgument) -> nb::object {
        PyErr_SetString(PyExc_NotImplementedError,
                        "a payload does not say which message it is of: call decode_payload() of that message's class");
        throw nb::python_error();
      },
      nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
      nb::sig("def decode_payload(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> "
              "ControlMessage"),
      "Every class of messages has one, for its own payload. Here it raises NotImplementedError.");
  m.def("decode_control_message", &decode_any, nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(),
        nb::arg("draft") = kDefaultDraft,
        nb::sig("def decode_control_message(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) "
                "-> tuple[ControlMessage, int]"),
        "The control message at `offset` and the number of bytes that it occupies.\n\n"
        "Raises NeedMoreData while it is incomplete and ProtocolViolation, whose `code` is what to close the session\n"
        "with, as soon as the bytes cannot become a message of that draft. Whether the message may come now, and from\n"
        "that peer, is not checked.");
}

}  // namespace msquic_py::python
