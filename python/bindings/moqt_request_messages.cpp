#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <utility>

#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

using enum moqt::MessageParameter;

namespace {

void bind_redirect(nb::module_& m) {
  using wire::Redirect;
  nb::class_<Redirect> cls(
      m, "Redirect",
      "Where else to ask, in a REQUEST_ERROR of drafts from 18 on (draft-18 section 10.6.1). Immutable.\n\n"
      "An empty `connect_uri` is where the session is; always empty when a client sends it. A namespace without "
      "fields\n"
      "and an empty name are the track of the request.");
  cls.def(
         "__init__",
         [](Redirect* self, std::string connect_uri, const NamespaceArgument& track_namespace, nb::handle track_name) {
           new (self) Redirect{std::move(connect_uri),
                               {track_namespace.value("track_namespace"), text_or_bytes(track_name, "track_name")}};
         },
         nb::arg("connect_uri") = "", nb::arg("track_namespace") = nb::make_tuple(),
         nb::arg("track_name") = nb::bytes("", 0),
         nb::sig(
             "def __init__(self, connect_uri: str = '', track_namespace: TrackNamespace | "
             "collections.abc.Sequence[str | bytes] = (), track_name: str | bytes | bytearray | memoryview = b'') -> "
             "None"))
      .def_ro("connect_uri", &Redirect::connect_uri)
      .def_prop_ro("track_namespace", [](const Redirect& self) { return self.track.track_namespace; })
      .def_prop_ro("track_name", [](const Redirect& self) { return to_python(self.track.track_name); })
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"connect_uri", self.attr("connect_uri")},
                                     {"track_namespace", self.attr("track_namespace")},
                                     {"track_name", self.attr("track_name")}});
      });
  bind_value_semantics<Redirect>(cls, [](const Redirect& self) {
    return nb::make_tuple(self.connect_uri, self.track.track_namespace, to_python(self.track.track_name));
  });
}

}  // namespace

void bind_request_messages(nb::module_& m) {
  bind_redirect(m);
  auto request_ok = bind_request_answer<wire::RequestOk>(
      m, "RequestOk",
      "REQUEST_OK: accepts SUBSCRIBE_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE or PUBLISH_NAMESPACE (section 9.7).",
      "Of the request.");
  bind_typed_parameters(request_ok,
                        {kDeliveryTimeout, kMaxCacheDuration, kExpires, kLargestObject, kForward, kGroupOrder});

  using W = wire::RequestError;
  MessageClass<W> request_error(m, "RequestError", "REQUEST_ERROR: refuses any request (section 9.8).");
  request_error.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, IntegerArgument error_code, std::string reason_phrase,
         IntegerArgument retry_interval, std::optional<wire::Redirect> redirect) {
        new (self)
            Message<W>(W{static_cast<moqt::RequestErrorCode>(error_code.checked("error_code")),
                         std::move(reason_phrase), retry_interval.checked("retry_interval"), std::move(redirect)},
                       reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("error_code") = moqt::RequestErrorCode::kInternalError,
      nb::arg("reason_phrase") = "", nb::arg("retry_interval") = 0, nb::arg("redirect").none() = nb::none());
  request_error.fields("Of the request.", kReasonPhraseDoc);
  request_error.later_fields("From draft 16 on: milliseconds after which to ask again, plus one. 0: do not ask again.",
                             "From draft 18 on: where else to ask; there exactly with the error code REDIRECT.");
}

}  // namespace msquic_py::python
