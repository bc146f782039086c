#include "moqt_parameters.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/varint.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/model/parameter.h"
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

/// In the bytes of draft-15 where it has any.
RawParameter to_raw(const moqt::Parameter& parameter, std::optional<bool> of_track = {});

// A message for which no parameter is defined: what the codec reads as this one stays a number or bytes.
constexpr MessageType kNoParametersDefined = MessageType::kUnsubscribe;

/// What the parameter is in the bytes of draft-15; nothing where it has none.
std::optional<moqt::Parameter> in_draft15(const moqt::Parameter& parameter) {
  const auto* number = std::get_if<std::uint64_t>(&parameter.value);
  if (((parameter.type & 1) == 0) != (number != nullptr)) return std::nullopt;
  moqt::ParameterList one, raw;
  one.append({parameter.type, parameter.value});
  base::ByteVector bytes;
  std::optional<moqt::wire::EncodeError> error;
  draft15::encode_parameters(one, bytes, error);
  if (error || draft15::decode_parameters(bytes, kNoParametersDefined, raw)) return std::nullopt;
  return raw.items().front();
}

/// Where draft-15 has a parameter of that type as a structure; nothing for one that is a number or bytes there.
std::optional<MessageType> home_of_structure(std::uint64_t type, MessageType message) noexcept {
  const bool setup =
      message == MessageType::kClientSetup || message == MessageType::kServerSetup || message == MessageType::kSetup;
  switch (static_cast<moqt::MessageParameter>(type)) {
    case moqt::MessageParameter::kAuthorizationToken:
      return setup ? MessageType::kServerSetup : MessageType::kSubscribe;
    case moqt::MessageParameter::kLargestObject: return setup ? std::nullopt : std::optional(MessageType::kSubscribeOk);
    case moqt::MessageParameter::kSubscriptionFilter:
      return setup ? std::nullopt : std::optional(MessageType::kSubscribe);
    default: return std::nullopt;
  }
}

/// What the bytes mean in that message of draft-15; nothing when they mean nothing: the codec judges them as bytes.
std::optional<moqt::ParameterValue> as_structure(const moqt::Parameter& raw, MessageType home) {
  moqt::ParameterList one, understood;
  one.append(raw);
  base::ByteVector bytes;
  std::optional<moqt::wire::EncodeError> error;
  draft15::encode_parameters(one, bytes, error);
  if (error || draft15::decode_parameters(bytes, home, understood)) return std::nullopt;
  return understood.items().front().value;
}

/// Whether draft-15 says with it something about the track of that message.
bool is_of_track_in_draft15(const moqt::Parameter& raw, MessageType message) {
  moqt::ParameterList one, understood;
  one.append(raw);
  base::ByteVector bytes;
  std::optional<moqt::wire::EncodeError> error;
  draft15::encode_parameters(one, bytes, error);
  if (error || draft15::decode_parameters(bytes, message, understood)) return false;
  return understood.items().front().scope == moqt::ParameterScope::kTrack;
}

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
  if (parameter.content) {
    const auto* content = std::get_if<std::uint64_t>(&*parameter.content);
    return content != nullptr ? nb::cast(*content) : nb::none();
  }
  const auto number = number_of(parameter);
  if ((parameter.type & 1) != 0 || !number) return nb::none();
  return nb::cast(*number);
}

/// The structure as Python has it; what has bytes in draft-15 is an int or bytes.
nb::object content_of(const RawParameter& parameter) {
  if (!parameter.content) {
    nb::object number = int_value(parameter);
    return number.is_none() ? nb::object(to_python(base::Bytes(parameter.value))) : number;
  }
  return std::visit(
      []<class T>(const T& value) -> nb::object {
        if constexpr (std::is_same_v<T, base::ByteVector>) {
          return to_python(base::Bytes(value));
        } else if constexpr (std::is_same_v<T, moqt::FillParameters>) {
          nb::list items;
          for (const moqt::Parameter& each : value.items) items.append(to_raw(each));
          return nb::tuple(items);
        } else {
          return nb::cast(value);
        }
      },
      *parameter.content);
}

/// The structure that `value` is; nothing when it is none.
std::optional<moqt::ParameterValue> structure_of(nb::handle value) {
  std::optional<moqt::ParameterValue> structure;
  const auto take = [&]<class T>(std::type_identity<T>) {
    if (nb::isinstance<T>(value)) structure = nb::cast<T>(value);
  };
  take(std::type_identity<moqt::Location>{});
  take(std::type_identity<moqt::SubscriptionFilter>{});
  take(std::type_identity<moqt::AuthorizationToken>{});
  take(std::type_identity<moqt::TrackNamespace>{});
  take(std::type_identity<moqt::RangeFilter>{});
  if (!structure && (PyTuple_Check(value.ptr()) || PyList_Check(value.ptr()))) {
    // A fill is none of the messages that draft-15 has, but its parameters are those of a SUBSCRIBE.
    moqt::ParameterList items;
    read_parameters(parameter_list(value), moqt::Draft::k22, MessageType::kSubscribe, items);
    structure = moqt::FillParameters{items.items()};
  }
  return structure;
}

constexpr const char* kNotOneInteger =
    "an even type holds a value that is not one variable-length integer (section 1.4.2)";

nb::bytes encode_pair(const RawParameter& self) {
  if (self.content) raise_encode_error("value", "has no form in draft-15", moqt::wire::EncodeError::kNotInDraft);
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

RawParameter to_raw(const moqt::Parameter& parameter, std::optional<bool> of_track) {
  const auto raw = in_draft15(parameter);
  if (!raw) return {parameter.type, {}, parameter.value, of_track};
  const auto* number = std::get_if<std::uint64_t>(&raw->value);
  return {parameter.type, number != nullptr ? varint_bytes(*number) : std::get<base::ByteVector>(raw->value),
          std::nullopt, of_track};
}

moqt::Parameter numbers_and_bytes(const RawParameter& parameter) {
  if (parameter.content) return {parameter.type, *parameter.content};
  if ((parameter.type & 1) != 0) return {parameter.type, parameter.value};
  const auto number = number_of(parameter);
  if (!number) raise_encode_error("parameters", kNotOneInteger);
  return {parameter.type, *number};
}

}  // namespace

nb::list to_python(const moqt::ParameterList& parameters, moqt::Draft draft) {
  nb::list result;
  for (const moqt::Parameter& each : parameters.items()) {
    std::optional<bool> of_track;
    if (moqt::has_track_properties(draft)) of_track = each.scope == moqt::ParameterScope::kTrack;
    result.append(to_raw(each, of_track));
  }
  return result;
}

void read_parameters(const nb::list& parameters, moqt::Draft draft, MessageType message, moqt::ParameterList& result) {
  for (nb::handle object : parameters) {
    const RawParameter& parameter = item(object);
    moqt::Parameter raw = numbers_and_bytes(parameter);
    if (!moqt::has_track_properties(draft) || parameter.content) {
      if (parameter.of_track.value_or(false)) raw.scope = moqt::ParameterScope::kTrack;
      result.append(std::move(raw));
      continue;
    }
    const bool of_track = parameter.of_track ? *parameter.of_track : is_of_track_in_draft15(raw, message);
    if (const auto home = of_track ? std::nullopt : home_of_structure(raw.type, message)) {
      if (auto structure = as_structure(raw, *home)) raw.value = std::move(*structure);
    }
    if (of_track) raw.scope = moqt::ParameterScope::kTrack;
    result.append(std::move(raw));
  }
}

void understand_parameters(const nb::list& parameters, std::uint64_t type, MessageType message,
                           moqt::ParameterList& result) {
  nb::list selected;
  for (nb::handle object : parameters) {
    if (item(object).type == type) selected.append(object);
  }
  // What only later drafts have is understood already; draft-15 says the rest, as far as it has the message.
  nb::list others;
  for (nb::handle object : selected) {
    const RawParameter& parameter = item(object);
    if (parameter.content) {
      result.append(
          {parameter.type, *parameter.content,
           parameter.of_track.value_or(false) ? moqt::ParameterScope::kTrack : moqt::ParameterScope::kMessage});
    } else {
      others.append(object);
    }
  }
  moqt::ParameterList raw;
  read_parameters(others, moqt::Draft::k15, message, raw);
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
    // The one number that later drafts have under an odd type.
    if (type == static_cast<std::uint64_t>(moqt::MessageParameter::kIncludeProperties))
      return {type, {}, integer_argument(value, "value").checked("value", 1)};
    if ((type & 1) != 0) raise_encode_error("value", "must be bytes, as the parameter type is odd (section 1.4.2)");
    return {type, varint_bytes(integer_argument(value, "value").checked("value"))};
  }
  if (const auto structure = structure_of(value)) return to_raw({type, *structure});
  return {type, text_or_bytes(value, "value")};
}

void bind_parameter(nb::module_& m) {
  nb::class_<RawParameter> cls(
      m, "Parameter",
      "A parameter of a message as it is on the wire of draft-15 (sections 1.4.2, 9.2). Immutable.\n\n"
      "An odd `type` carries bytes. An even one carries a number: `value` is then the bytes of its variable-length\n"
      "integer and `int_value` the number; the constructor takes either. The same number means different things in\n"
      "a SETUP (SetupParameterType) and in other messages (MessageParameterType).\n\n"
      "Other drafts write the same parameters in their own way; `value` is in the form of draft-15 whatever draft a\n"
      "message came in. What draft-15 has no form for is a structure: RangeFilter, a TrackNamespace (0x34), a filter "
      "of\n"
      "a type that it has not, the parameters of a fill (0x23) as a tuple, the number 0 or 1 of 0x35. The constructor\n"
      "takes it as `value`; it is then in `content`, and `value` is empty. `of_track` says that drafts from 16 on "
      "keep\n"
      "it among the properties of the track; where draft-15 has it about the track, they do so anyway.");
  cls.def(
         "__init__",
         [](RawParameter* self, IntegerArgument type, nb::handle value, std::optional<bool> of_track) {
           RawParameter parameter = make_parameter(type.checked("type"), value);
           parameter.of_track = of_track;
           new (self) RawParameter(std::move(parameter));
         },
         nb::arg("type"), nb::arg("value") = nb::bytes("", 0), nb::arg("of_track").none() = nb::none(),
         nb::sig("def __init__(self, type: int, value: int | str | bytes | bytearray | memoryview | Location | "
                 "SubscriptionFilter | AuthorizationToken | TrackNamespace | RangeFilter | "
                 "collections.abc.Sequence[Parameter] = b'', of_track: bool | None = None) -> None"))
      .def_ro("type", &RawParameter::type)
      .def_prop_ro("value", [](const RawParameter& self) { return to_python(self.value); })
      .def_prop_ro("int_value", &int_value, nb::sig("def int_value(self) -> int | None"),
                   "The number of an even type; None for an odd one.")
      .def_prop_ro("content", &content_of,
                   nb::sig("def content(self) -> int | bytes | Location | SubscriptionFilter | AuthorizationToken | "
                           "TrackNamespace | RangeFilter | tuple[Parameter, ...]"),
                   "The number, the bytes, or the structure of a later draft.")
      .def_ro("of_track", &RawParameter::of_track, "Whether it is a property of the track; None: as draft-15 has it.")
      .def("encode", &encode_pair,
           "The key-value pair: the type, then the number of an even type, length and bytes of an odd one (section\n"
           "1.4.2). Raises EncodeError.")
      .def_static("decode", &decode_pair, nb::arg("data"), nb::arg("offset") = 0,
                  nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[Parameter, int]"),
                  "The parameter at `offset` and the number of bytes that it occupies. What its value means is not\n"
                  "looked at. Raises NeedMoreData, and ProtocolViolation beyond 65535 bytes.")
      .def("__repr__", [](nb::handle self) {
        const auto& parameter = nb::cast<const RawParameter&>(self);
        return representation(self, {{"type", nb::cast(parameter.type)}, {"value", content_of(parameter)}});
      });
  const auto value_of = [](const RawParameter& self) {
    return self.content ? content_of(self) : nb::object(to_python(base::Bytes(self.value)));
  };
  cls.def(
         "__eq__", [](const RawParameter& self, const RawParameter& other) { return self == other; }, nb::is_operator(),
         nb::arg("other"), nb::sig(kEqualitySignature))
      .def("__hash__",
           [value_of](const RawParameter& self) { return nb::hash(nb::make_tuple(self.type, value_of(self))); })
      .def(
          "__reduce__",
          [value_of](nb::handle self) {
            const auto& parameter = nb::cast<const RawParameter&>(self);
            return nb::make_tuple(self.type(), nb::make_tuple(parameter.type, value_of(parameter), parameter.of_track));
          },
          nb::sig("def __reduce__(self) -> typing.Any"));
}

}  // namespace msquic_py::python
