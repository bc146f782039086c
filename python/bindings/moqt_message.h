#pragma once

// What all control messages have in common in Python. A message file says which fields its messages have; encoding,
// decoding, equality, representation and pickling follow from that.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <concepts>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "locked_class.h"
#include "moqt/wire/control_message.h"
#include "moqt/wire/message_fields.h"
#include "moqt_arguments.h"
#include "moqt_parameters.h"
#include "moqt_track_namespace.h"

namespace msquic_py::python {

namespace wire = moqt::wire;

/// The base class that Python sees.
class ControlMessage {
 public:
  virtual ~ControlMessage() = default;
  [[nodiscard]] virtual wire::MessageType message_type() const noexcept = 0;
  /// Raises what read_parameters() raises, and EncodeError for a field with a value that the draft has no place for.
  [[nodiscard]] virtual wire::ControlMessage to_wire(moqt::Draft draft) const = 0;

  /// A list of Parameter; null in messages that have none. The user may put anything into it, this message too.
  nb::list parameters = nb::steal<nb::list>(nullptr);
};

inline constexpr const char* kReasonPhraseDoc = "For people, at most 1024 bytes of UTF-8.";

template <class W>
concept HasParameters = requires(W message) {
  message.parameters;
};

template <class W>
class Message final : public ControlMessage {
 public:
  Message() {
    if constexpr (HasParameters<W>) parameters = nb::list();
  }
  explicit Message(W message, wire::RequestReference reference = {}, moqt::Draft draft = moqt::Draft::k15)
      : fields(std::move(message)), request(reference) {
    if constexpr (HasParameters<W>) {
      parameters = to_python(fields.parameters, draft);
      fields.parameters = {};
    }
  }

  [[nodiscard]] wire::MessageType message_type() const noexcept override { return wire::type_of(fields); }
  [[nodiscard]] wire::ControlMessage to_wire(moqt::Draft draft) const override {
    refuse_missing_fields(draft);
    W message = fields;
    if constexpr (HasParameters<W>) read_parameters(parameters, draft, message_type(), message.parameters);
    return {request, std::move(message)};
  }

  W fields;                        ///< without its parameters
  wire::RequestReference request;  ///< counts in messages that have a request_id

 private:
  /// A value that the draft has no field for would be lost without a word.
  void refuse_missing_fields(moqt::Draft draft) const {
    if (!wire::number_in<W>(draft)) return;  // all of it is missing: the codec says so
    if (wire::kRequestId<W>.contains(moqt::Draft::k15) || wire::kRequestId<W>.contains(moqt::Draft::k16)) {
      if (request.id != 0 && !wire::kRequestId<W>.contains(draft)) raise_not_in_draft("request_id", draft);
    }
    const W nothing{};
    std::apply(
        [&]<auto... Members>(const wire::Field<Members>&... each) {
          ((!is_written<Members>(draft) && !(fields.*Members == nothing.*Members) ? raise_not_in_draft(each.name, draft)
                                                                                  : void()),
           ...);
        },
        wire::kFields<W>);
  }
  /// Whether the draft has the member as a field, under whichever name.
  template <auto Member>
  static bool is_written(moqt::Draft draft) {
    return std::apply(
        [draft]<class... Fields>(const Fields&... each) {
          return ((std::same_as<Fields, wire::Field<Member>> && each.drafts.contains(draft)) || ...);
        },
        wire::kFields<W>);
  }
};

struct DecodedPythonMessage {
  nb::object message;
  std::size_t size;
};
DecodedPythonMessage decode_message(moqt::Draft draft, base::Bytes bytes);
/// decode_message() that raises ProtocolViolation unless the message has that type, and EncodeError when the draft has
/// no such message.
DecodedPythonMessage decode_message_of_type(wire::MessageType type, moqt::Draft draft, base::Bytes bytes);
nb::object decode_payload(wire::MessageType type, moqt::Draft draft, base::Bytes payload);

int traverse_message(PyObject* self, visitproc visit, void* arg);
int clear_message(PyObject* self);

template <class W>
class MessageClass {
 public:
  using Self = Message<W>;

  MessageClass(nb::module_& m, const char* name, const char* doc) : cls_(m, name, nb::type_slots(kSlots), doc) {
    const wire::MessageType type = wire::type_of(W{});
    cls_.attr("MESSAGE_TYPE") = nb::cast(type);
    const std::string returns = std::string("tuple[") + name + ", int]";
    const std::string decode =
        "def decode(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> " + returns;
    const std::string payload =
        std::string(
            "def decode_payload(data: bytes | bytearray | memoryview, offset: int = 0, *, draft: int = 15) -> ") +
        name;
    cls_.def_static(
        "decode",
        [type](const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
          DecodedPythonMessage decoded = decode_message_of_type(type, checked_draft(draft), from_offset(data, offset));
          return nb::make_tuple(std::move(decoded.message), decoded.size);
        },
        nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
        nb::sig(decode.c_str()),
        "The message at `offset`, which must be of this class, and the number of bytes that it occupies.\n\n"
        "Raises NeedMoreData while it is incomplete, ProtocolViolation when it is malformed or of another type, and\n"
        "EncodeError (NOT_IN_DRAFT) when `draft` has no such message.");
    cls_.def_static(
        "decode_payload",
        [type](const BufferArgument& data, std::size_t offset, IntegerArgument draft) {
          return decode_payload(type, checked_draft(draft), from_offset(data, offset));
        },
        nb::arg("data"), nb::arg("offset") = 0, nb::kw_only(), nb::arg("draft") = kDefaultDraft,
        nb::sig(payload.c_str()),
        "The message whose payload, behind type and length, is all of `data` from `offset` on.\n\n"
        "Raises ProtocolViolation when it is malformed, which one with bytes behind its last field is too.");
  }

  LockedClass<Self, ControlMessage>& get() noexcept { return cls_; }

  /// A property for each field of the message (wire::kFields), and their names in the constructor's order: what repr()
  /// shows, == compares and pickle keeps. `docs` are the texts, in that order, of those fields that have none here.
  template <class... Docs>
  MessageClass& fields(Docs... docs) {
    docs_ = {docs...};
    if constexpr (wire::kRequestId<W>.contains(moqt::Draft::k15)) request_id(take_doc());
    wire::for_each_member_of<moqt::Draft::k15, W>([&]<auto Member>(const wire::Field<Member>& each) {
      property(each.name, Member);
    });
    if (next_doc_ != docs_.size()) throw std::logic_error("a message has more texts than fields");
    cls_.attr("_field_names") = nb::tuple(names_);
    return *this;
  }
  /// The properties behind those, of fields that draft-15 has not: in the order of the wire, a Request ID last. A
  /// member that has another name in draft-15 has it here as well, and counts once.
  template <class... Docs>
  MessageClass& later_fields(Docs... docs) {
    docs_ = {docs...};
    next_doc_ = 0;
    std::apply(
        [&]<auto... Members>(const wire::Field<Members>&... each) { (later_field<Members>(each), ...); },
        wire::kFields<W>);
    if constexpr (!wire::kRequestId<W>.contains(moqt::Draft::k15) && wire::kRequestId<W>.contains(moqt::Draft::k16)) {
      request_id(take_doc());
    }
    if (next_doc_ != docs_.size()) throw std::logic_error("a message has more texts than fields");
    cls_.attr("_field_names") = nb::tuple(names_);
    return *this;
  }
  /// The parts of fields(), for FETCH, whose properties are not one for each field.
  MessageClass& request_id(const char* doc) {
    cls_.def_prop_rw(
        named("request_id"), [](const Self& self) { return self.request.id; },
        [](Self& self, IntegerArgument value) { self.request.id = value.checked("request_id"); }, doc);
    return *this;
  }
  MessageClass& parameters() {
    cls_.def_prop_rw(
        named("parameters"), [](const Self& self) { return self.parameters; },
        [](Self& self, nb::handle value) { self.parameters = parameter_list(value); },
        nb::for_getter(nb::sig("def parameters(self) -> list[Parameter]")),
        nb::for_setter(nb::sig("def parameters(self, value: collections.abc.Iterable[Parameter], /) -> None")),
        "The parameters in wire order, a list of this message's own: ``message.parameters.append(...)`` takes effect.");
    return *this;
  }

  template <class... Names>
  void field_names(Names... names) {
    cls_.attr("_field_names") = nb::make_tuple(names...);
  }

 private:
  template <auto Member>
  void later_field(const wire::Field<Member>& field) {
    if (field.drafts.contains(moqt::Draft::k15)) return;
    property(field.name, Member);
  }

  const char* take_doc() { return docs_.at(next_doc_++); }
  const char* named(const char* name) {
    names_.append(name);
    return name;
  }

  void property(const char* name, std::uint64_t W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field, name](Self& self, IntegerArgument value) { self.fields.*field = value.checked(name); }, take_doc());
  }
  /// The Request ID of another request.
  void property(const char* name, wire::RequestReference W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return (self.fields.*field).id; },
        [field, name](Self& self, IntegerArgument value) { (self.fields.*field).id = value.checked(name); },
        take_doc());
  }
  void property(const char* name, std::optional<std::uint64_t> W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field, name](Self& self, std::optional<IntegerArgument> value) {
          (self.fields.*field).reset();
          if (value) self.fields.*field = value->checked(name);
        },
        nb::for_setter(nb::arg("value").none()), take_doc());
  }
  void property(const char* name, std::optional<wire::Redirect> W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field](Self& self, std::optional<wire::Redirect> value) { self.fields.*field = std::move(value); },
        nb::for_setter(nb::arg("value").none()), take_doc());
  }
  void property(const char* name, wire::NamespaceInterest W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field](Self& self, wire::NamespaceInterest value) { self.fields.*field = value; }, take_doc());
  }
  /// The name of a track without its namespace.
  void property(const char* name, base::ByteVector W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return to_python(self.fields.*field); },
        [field, name](Self& self, nb::handle value) { self.fields.*field = text_or_bytes(value, name); },
        nb::for_setter(nb::sig("def track_name(self, value: str | bytes | bytearray | memoryview, /) -> None")),
        take_doc());
  }
  template <class T>
  requires std::same_as<T, bool> || std::same_as<T, moqt::Location>
  void property(const char* name, T W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field](Self& self, T value) { self.fields.*field = value; }, take_doc());
  }
  void property(const char* name, moqt::RequestErrorCode W::*field) { code(name, field, "RequestErrorCode"); }
  void property(const char* name, moqt::PublishDoneCode W::*field) { code(name, field, "PublishDoneCode"); }
  /// A code that may be one without a name; Python then sees an int.
  template <class Code>
  void code(const char* name, Code W::*field, const char* type_name) {
    const std::string getter = std::string("def ") + name + "(self) -> " + type_name + " | int";
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return code_to_python(self.fields.*field); },
        [field, name](Self& self, IntegerArgument value) {
          self.fields.*field = static_cast<Code>(value.checked(name));
        },
        nb::for_getter(nb::sig(getter.c_str())), "Why; an int when the draft gives the number no name.");
  }
  /// Text that a peer may have sent as anything; what is not UTF-8 shows as U+FFFD but is encoded as it came.
  void property(const char* name, std::string W::*field) {
    const std::string getter = std::string("def ") + name + "(self) -> str";
    cls_.def_prop_rw(
        named(name),
        [field](const Self& self) {
          const std::string& value = self.fields.*field;
          return nb::steal<nb::str>(
              PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
        },
        [field](Self& self, const std::string& value) { self.fields.*field = value; },
        nb::for_getter(nb::sig(getter.c_str())), take_doc());
  }
  void property(const char* name, moqt::TrackNamespace W::*field) {
    cls_.def_prop_rw(
        named(name), [field](const Self& self) { return self.fields.*field; },
        [field, name](Self& self, const NamespaceArgument& value) { self.fields.*field = value.value(name); },
        take_doc());
  }
  /// Two properties.
  void property(const char*, moqt::FullTrackName W::*field) {
    cls_.def_prop_rw(
        named("track_namespace"), [field](const Self& self) { return (self.fields.*field).track_namespace; },
        [field](Self& self, const NamespaceArgument& value) {
          (self.fields.*field).track_namespace = value.value("track_namespace");
        },
        "1 to 32 fields; with the track name at most 4096 bytes (section 2.4.1).");
    cls_.def_prop_rw(
        named("track_name"), [field](const Self& self) { return to_python((self.fields.*field).track_name); },
        [field](Self& self, nb::handle value) { (self.fields.*field).track_name = text_or_bytes(value, "track_name"); },
        nb::for_setter(nb::sig("def track_name(self, value: str | bytes | bytearray | memoryview, /) -> None")),
        "bytes, which may be empty; a str is taken as UTF-8.");
  }
  template <class Parameters>
  requires std::derived_from<Parameters, moqt::ParameterList>
  void property(const char*, Parameters W::*) { parameters(); }

  static inline PyType_Slot kSlots[] = {{Py_tp_traverse, reinterpret_cast<void*>(&traverse_message)},
                                        {Py_tp_clear, reinterpret_cast<void*>(&clear_message)},
                                        {0, nullptr}};

  template <class Code>
  static nb::object code_to_python(Code code) {
    if (moqt::name(code) == "UNKNOWN") return nb::cast(static_cast<std::uint64_t>(code));
    return nb::cast(code);
  }

  LockedClass<Self, ControlMessage> cls_;
  nb::list names_;
  std::vector<const char*> docs_;
  std::size_t next_doc_ = 0;
};

/// Puts a message with these fields in the place of `self`; its parameters come from a Python iterable.
template <class W>
void construct(Message<W>* self, W fields, nb::handle parameters, wire::RequestReference request = {}) {
  nb::list list = parameter_list(parameters);  // may raise: before anything is constructed
  (new (self) Message<W>(std::move(fields), request))->parameters = std::move(list);
}

inline wire::RequestReference reference(IntegerArgument request_id) { return {request_id.checked("request_id")}; }

/// get_parameter() and set_parameter(), for parameters without a property of their own.
template <class Class>
void bind_parameter_access(Class& cls) {
  cls.def(
         "get_parameter",
         [](const ControlMessage& self, IntegerArgument type) {
           return get_parameter(self.parameters, type.checked("type"));
         },
         nb::arg("type"), nb::sig("def get_parameter(self, type: int) -> Parameter | None"),
         "The first parameter with that type, or None.")
      .def(
          "set_parameter",
          [](ControlMessage& self, IntegerArgument type, nb::handle value) {
            set_parameter(self.parameters, make_parameter(type.checked("type"), value));
          },
          nb::arg("type"), nb::arg("value"),
          nb::sig("def set_parameter(self, type: int, value: int | str | bytes | bytearray | memoryview) -> None"),
          "Replaces the first parameter with that type, or appends one.");
}

}  // namespace msquic_py::python
