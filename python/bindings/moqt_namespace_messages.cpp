#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using enum moqt::MessageParameter;

template <class W>
MessageClass<W> bind_namespace_request(nb::module_& m, const char* name, const char* field,
                                       moqt::TrackNamespace W::*member, const char* doc, const char* field_doc) {
  MessageClass<W> message(m, name, doc);
  const std::string signature = std::string("def __init__(self, request_id: int = 0, ") + field +
                                ": TrackNamespace | collections.abc.Sequence[str | bytes] = (), parameters: "
                                "collections.abc.Iterable[Parameter] = ()) -> None";
  message.get().def(
      "__init__",
      [member, field](Message<W>* self, IntegerArgument request_id, const NamespaceArgument& track_namespace,
                      nb::handle parameters) {
        W fields;
        fields.*member = track_namespace.value(field);
        construct(self, std::move(fields), parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg(field) = nb::make_tuple(), nb::arg("parameters") = nb::make_tuple(),
      nb::sig(signature.c_str()));
  message.fields("The sender's next Request ID (section 9.1).", field_doc);
  bind_parameter_access(message.get());
  return message;
}

void bind_publish_namespace_done(nb::module_& m) {
  using W = wire::PublishNamespaceDone;
  MessageClass<W> message(m, "PublishNamespaceDone",
                          "PUBLISH_NAMESPACE_DONE: no more tracks in a namespace (section 9.21).");
  message.get().def(
      "__init__",
      [](Message<W>* self, const NamespaceArgument& track_namespace) {
        new (self) Message<W>({track_namespace.value("track_namespace")});
      },
      nb::arg("track_namespace") = nb::make_tuple());
  message.fields("That of the PUBLISH_NAMESPACE.");
}

void bind_publish_namespace_cancel(nb::module_& m) {
  using W = wire::PublishNamespaceCancel;
  MessageClass<W> message(m, "PublishNamespaceCancel",
                          "PUBLISH_NAMESPACE_CANCEL: the subscriber gives a namespace up (section 9.22).");
  message.get().def(
      "__init__",
      [](Message<W>* self, const NamespaceArgument& track_namespace, IntegerArgument error_code,
         std::string reason_phrase) {
        new (self) Message<W>({track_namespace.value("track_namespace"),
                               static_cast<moqt::RequestErrorCode>(error_code.checked("error_code")),
                               std::move(reason_phrase)});
      },
      nb::arg("track_namespace") = nb::make_tuple(), nb::arg("error_code") = moqt::RequestErrorCode::kInternalError,
      nb::arg("reason_phrase") = "");
  message.fields("That of the PUBLISH_NAMESPACE.", kReasonPhraseDoc);
}

}  // namespace

void bind_namespace_messages(nb::module_& m) {
  auto publish_namespace = bind_namespace_request<wire::PublishNamespace>(
      m, "PublishNamespace", "track_namespace", &wire::PublishNamespace::track_namespace,
      "PUBLISH_NAMESPACE: the sender has tracks in a namespace (section 9.20).", "1 to 32 fields, at most 4096 bytes.");
  bind_typed_parameters(publish_namespace, {kAuthorizationToken});
  bind_publish_namespace_done(m);
  bind_publish_namespace_cancel(m);
  auto subscribe_namespace = bind_namespace_request<wire::SubscribeNamespace>(
      m, "SubscribeNamespace", "track_namespace_prefix", &wire::SubscribeNamespace::track_namespace_prefix,
      "SUBSCRIBE_NAMESPACE: tells the sender of namespaces and tracks below a prefix (section 9.23).",
      "1 to 32 fields, each equal to the field of a matching namespace at its place.");
  bind_typed_parameters(subscribe_namespace, {kAuthorizationToken, kForward});
  bind_request_reference<wire::UnsubscribeNamespace>(
      m, "UnsubscribeNamespace", "UNSUBSCRIBE_NAMESPACE: ends a SUBSCRIBE_NAMESPACE (section 9.24).",
      "Of the SUBSCRIBE_NAMESPACE.");
}

}  // namespace msquic_py::python
