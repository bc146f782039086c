#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>

#include <type_traits>

#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using moqt::SetupParameters;

SetupParameters setup_parameters(const ControlMessage& message) {
  SetupParameters parameters;
  read_parameters(message.parameters, moqt::Draft::k15, message.message_type(), parameters);
  return parameters;
}

/// A property that is text or None, and its set_… method.
template <class Class>
void text_parameter(Class& cls, const char* name, const char* setter_name, moqt::SetupParameter type, const char* doc,
                    std::optional<std::string_view> (SetupParameters::*get)() const noexcept,
                    void (SetupParameters::*set)(std::string_view)) {
  const auto assign = [set](ControlMessage& self, std::string_view value) {
    SetupParameters replacement;
    (replacement.*set)(value);
    replace_parameter(self, replacement);
  };
  const std::string getter = std::string("def ") + name + "(self) -> str | None";
  cls.def_prop_rw(
      name,
      [get](const ControlMessage& self) -> nb::object {
        const SetupParameters parameters = setup_parameters(self);
        const auto value = (parameters.*get)();
        if (!value) return nb::none();
        return nb::steal(PyUnicode_DecodeUTF8(value->data(), static_cast<Py_ssize_t>(value->size()), "replace"));
      },
      [assign, type](ControlMessage& self, std::optional<std::string_view> value) {
        if (!value) return remove_parameter(self.parameters, static_cast<std::uint64_t>(type));
        assign(self, *value);
      },
      nb::for_getter(nb::sig(getter.c_str())), nb::for_setter(nb::arg("value").none()), doc);
  cls.def(setter_name, assign, nb::arg("value"), doc);
}

template <class Class>
void number_parameter(Class& cls, const char* name, const char* setter_name, const char* doc,
                      std::uint64_t (SetupParameters::*get)() const noexcept,
                      void (SetupParameters::*set)(std::uint64_t)) {
  const auto assign = [name, set](ControlMessage& self, IntegerArgument value) {
    SetupParameters replacement;
    (replacement.*set)(value.checked(name));
    replace_parameter(self, replacement);
  };
  cls.def_prop_rw(
      name, [get](const ControlMessage& self) { return (setup_parameters(self).*get)(); }, assign, doc);
  cls.def(setter_name, assign, nb::arg("value"), doc);
}

template <class W>
void bind_setup(nb::module_& m, const char* name, const char* doc) {
  MessageClass<W> message(m, name, doc);
  auto& cls = message.get();
  cls.def(
      "__init__", [](Message<W>* self, nb::handle parameters) { construct(self, W{}, parameters); },
      nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields();
  bind_parameter_access(cls);
  text_parameter(cls, "path", "set_path", moqt::SetupParameter::kPath,
                 "PATH: path and query of the moqt URI (section 9.3.1.2). From clients over raw QUIC only.",
                 &SetupParameters::path, &SetupParameters::set_path);
  text_parameter(cls, "authority", "set_authority", moqt::SetupParameter::kAuthority,
                 "AUTHORITY of the moqt URI (section 9.3.1.1). From clients over raw QUIC only.",
                 &SetupParameters::authority, &SetupParameters::set_authority);
  text_parameter(cls, "implementation", "set_implementation", moqt::SetupParameter::kMoqtImplementation,
                 "MOQT_IMPLEMENTATION: name and version of the sender, free text (section 9.3.1.6).",
                 &SetupParameters::moqt_implementation, &SetupParameters::set_moqt_implementation);
  if constexpr (std::is_same_v<W, wire::Setup>) {
    number_parameter(
        cls, "max_filter_ranges", "set_max_filter_ranges",
        "MAX_FILTER_RANGES, from draft 19 on: ranges in all Range Filters of one request. 0 when absent: none.",
        &SetupParameters::max_filter_ranges, &SetupParameters::set_max_filter_ranges);
    number_parameter(
        cls, "max_request_updates", "set_max_request_updates",
        "MAX_REQUEST_UPDATES, from draft 19 on: updates of one request that may be unanswered. 0, also when\n"
        "absent: any number.",
        &SetupParameters::max_request_updates, &SetupParameters::set_max_request_updates);
  } else {
    number_parameter(
        cls, "max_request_id", "set_max_request_id",
        "MAX_REQUEST_ID: one more than the largest Request ID that the receiver may use (section 9.3.1.3).\n\n"
        "0 when absent, and then the receiver can request nothing.",
        &SetupParameters::max_request_id, &SetupParameters::set_max_request_id);
  }
  number_parameter(cls, "max_auth_token_cache_size", "set_max_auth_token_cache_size",
                   "MAX_AUTH_TOKEN_CACHE_SIZE in bytes (section 9.3.1.4). 0 when absent: aliases are prohibited.",
                   &SetupParameters::max_auth_token_cache_size, &SetupParameters::set_max_auth_token_cache_size);
  bind_authorization_tokens(cls);
}

}  // namespace

void bind_setup_messages(nb::module_& m) {
  bind_setup<wire::ClientSetup>(m, "ClientSetup",
                                "CLIENT_SETUP, the first message of the client (section 9.3).\n\n"
                                "Send MAX_REQUEST_ID with it: without it the server can request nothing.");
  bind_setup<wire::ServerSetup>(m, "ServerSetup", "SERVER_SETUP, the first message of the server (section 9.3).");
  bind_setup<wire::Setup>(
      m, "Setup",
      "SETUP of drafts from 17 on, the first message of either endpoint on its control stream (draft-18\n"
      "section 10.3). Encode and decode it with `draft=`.");
}

}  // namespace msquic_py::python
