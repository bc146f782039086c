#include "moqt_parameters.h"

#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <variant>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/varint.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/wire/draft15/parameters.h"
#include "moqt/wire/violations.h"
#include "moqt_arguments.h"
#include "moqt_errors.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {
namespace {

namespace draft15 = moqt::wire::draft15;
using moqt::wire::MessageType;

// A message for which no parameter is defined: what the codec reads as this one stays a number or bytes.
constexpr MessageType kNoParametersDefined = MessageType::kUnsubscribe;

/// `from` as it looks to a receiver of `as_message`.
void reinterpret(const moqt::ParameterList& from, MessageType as_message, moqt::ParameterList& to) {
  base::ByteVector bytes;
  std::optional<moqt::wire::EncodeError> error;
  draft15::encode_parameters(from, bytes, error);
  if (error) raise_encode_error(*error);
  if (const auto violation = draft15::decode_parameters(bytes, as_message, to)) raise_violation(*violation);
}

base::ByteVector varint_bytes(std::uint64_t value) {
  base::ByteVector bytes(base::kVarintMaxSize);
  bytes.resize(base::encode_varint(value, bytes.data()));
  return bytes;
}

const RawParameter& item(nb::handle object) {
  if (!nb::isinstance<RawParameter>(object)) {
    const std::string message =
        std::string("parameters must hold Parameter, not ") + nb::type_name(object.type()).c_str();
    throw nb::type_error(message.c_str());
  }
  return nb::cast<const RawParameter&>(object);
}

std::optional<std::uint64_t> number_of(const RawParameter& parameter) {
  const auto number = base::decode_varint(parameter.value);
  if (!number || number->size != parameter.value.size()) return std::nullopt;
  return number->value;
}

nb::object int_value(const RawParameter& parameter) {
  const auto number = number_of(parameter);
  if ((parameter.type & 1) != 0 || !number) return nb::none();
  return nb::cast(*number);
}

constexpr const char* kNotOneInteger =
    "an even type holds a value that is not one variable-length integer (section 1.4.2)";

nb::bytes encode_pair(const RawParameter& self) {
  base::ByteVector bytes;
  base::ByteWriter writer(bytes);
  writer.write_varint(self.type);
  if ((self.type & 1) != 0) {
    if (self.value.size() > moqt::kMaxKeyValueLength)
      raise_encode_error("value", "must have at most 65535 bytes (section 1.4.2)");
    writer.write_varint(self.value.size());
  } else if (!number_of(self)) {
    raise_encode_error("value", kNotOneInteger);
  }
  writer.write_bytes(self.value);
  return to_python(bytes);
}

nb::tuple decode_pair(const BufferArgument& data, std::size_t offset) {
  base::ByteReader reader(from_offset(data, offset));
  const auto type = reader.read_varint();
  const auto number = reader.read_varint();
  if (!type || !number) raise_need_more_data("parameter");
  if ((*type & 1) == 0) return nb::make_tuple(RawParameter{*type, varint_bytes(*number)}, reader.position());
  if (*number > moqt::kMaxKeyValueLength)
    raise_violation(moqt::wire::protocol_violation("key-value pair longer than 65535 bytes (section 1.4.2)"));
  const auto value = reader.read_bytes(*number);
  if (!value) raise_need_more_data("parameter");
  return nb::make_tuple(RawParameter{*type, {value->begin(), value->end()}}, reader.position());
}

}  // namespace

nb::list to_python(const moqt::ParameterList& parameters) {
  nb::list result;
  if (parameters.empty()) return result;
  moqt::ParameterList raw;
  reinterpret(parameters, kNoParametersDefined, raw);
  for (const moqt::Parameter& each : raw.items()) {
    const auto* number = std::get_if<std::uint64_t>(&each.value);
    result.append(
        RawParameter{each.type, number != nullptr ? varint_bytes(*number) : std::get<base::ByteVector>(each.value)});
  }
  return result;
}

void read_parameters(const nb::list& parameters, moqt::ParameterList& result) {
  for (nb::handle object : parameters) {
    const RawParameter& parameter = item(object);
    if ((parameter.type & 1) != 0) {
      result.append({parameter.type, parameter.value});
    } else if (const auto number = number_of(parameter)) {
      result.append({parameter.type, *number});
    } else {
      raise_encode_error("parameters", kNotOneInteger);
    }
  }
}

void understand_parameters(const nb::list& parameters, std::uint64_t type, MessageType message,
                           moqt::ParameterList& result) {
  nb::list selected;
  for (nb::handle object : parameters) {
    if (item(object).type == type) selected.append(object);
  }
  moqt::ParameterList raw;
  read_parameters(selected, raw);
  reinterpret(raw, message, result);
}

nb::list parameter_list(nb::handle source) {
  nb::list result;
  if (source.is_none()) return result;
  for (nb::handle object : source) {
    item(object);
    result.append(object);
  }
  return result;
}

nb::object get_parameter(const nb::list& parameters, std::uint64_t type) {
  for (nb::handle object : parameters) {
    if (item(object).type == type) return nb::borrow(object);
  }
  return nb::none();
}

void set_parameter(nb::list& parameters, const RawParameter& replacement) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (item(parameters[i]).type != replacement.type) continue;
    parameters[i] = nb::cast(replacement);
    return;
  }
  parameters.append(replacement);
}

void remove_parameter(nb::list& parameters, std::uint64_t type) {
  for (std::size_t i = parameters.size(); i-- > 0;) {
    if (item(parameters[i]).type == type) nb::del(parameters[i]);
  }
}

RawParameter make_parameter(std::uint64_t type, nb::handle value) {
  if (PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr())) {
    if ((type & 1) != 0) raise_encode_error("value", "must be bytes, as the parameter type is odd (section 1.4.2)");
    return {type, varint_bytes(nb::cast<IntegerArgument>(value).checked("value"))};
  }
  return {type, text_or_bytes(value, "value")};
}

void bind_parameter(nb::module_& m) {
  nb::class_<RawParameter> cls(
      m, "Parameter",
      "A parameter of a message as it is on the wire (sections 1.4.2, 9.2). Immutable.\n\n"
      "An odd `type` carries bytes. An even one carries a number: `value` is then the bytes of its variable-length\n"
      "integer and `int_value` the number; the constructor takes either. The same number means different things in\n"
      "a SETUP (SetupParameterType) and in other messages (MessageParameterType).");
  cls.def(
         "__init__",
         [](RawParameter* self, IntegerArgument type, nb::handle value) {
           new (self) RawParameter(make_parameter(type.checked("type"), value));
         },
         nb::arg("type"), nb::arg("value") = nb::bytes("", 0),
         nb::sig("def __init__(self, type: int, value: int | str | bytes | bytearray | memoryview = b'') -> None"))
      .def_ro("type", &RawParameter::type)
      .def_prop_ro("value", [](const RawParameter& self) { return to_python(self.value); })
      .def_prop_ro("int_value", &int_value, nb::sig("def int_value(self) -> int | None"),
                   "The number of an even type; None for an odd one.")
      .def("encode", &encode_pair,
           "The key-value pair: the type, then the number of an even type, length and bytes of an odd one (section\n"
           "1.4.2). Raises EncodeError.")
      .def_static("decode", &decode_pair, nb::arg("data"), nb::arg("offset") = 0,
                  nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[Parameter, int]"),
                  "The parameter at `offset` and the number of bytes that it occupies. What its value means is not\n"
                  "looked at. Raises NeedMoreData, and ProtocolViolation beyond 65535 bytes.")
      .def("__repr__", [](nb::handle self) {
        const auto& parameter = nb::cast<const RawParameter&>(self);
        nb::object value = int_value(parameter);
        if (value.is_none()) value = to_python(parameter.value);
        return representation(self, {{"type", nb::cast(parameter.type)}, {"value", value}});
      });
  bind_value_semantics<RawParameter>(
      cls, [](const RawParameter& self) { return nb::make_tuple(self.type, to_python(self.value)); });
}

}  // namespace msquic_py::python
