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
      [](Message<W>* self, const NamespaceArgument& track_namespace, IntegerArgument request_id) {
        new (self) Message<W>(W{track_namespace.value("track_namespace")}, reference(request_id));
      },
      nb::arg("track_namespace") = nb::make_tuple(), nb::arg("request_id") = 0);
  message.fields("That of the PUBLISH_NAMESPACE; draft-15 alone.");
  message.later_fields("Draft-16, in place of the namespace: of the PUBLISH_NAMESPACE.");
}

void bind_publish_namespace_cancel(nb::module_& m) {
  using W = wire::PublishNamespaceCancel;
  MessageClass<W> message(m, "PublishNamespaceCancel",
                          "PUBLISH_NAMESPACE_CANCEL: the subscriber gives a namespace up (section 9.22).");
  message.get().def(
      "__init__",
      [](Message<W>* self, const NamespaceArgument& track_namespace, IntegerArgument error_code,
         std::string reason_phrase, IntegerArgument request_id) {
        new (self) Message<W>(
            W{track_namespace.value("track_namespace"),
              static_cast<moqt::RequestErrorCode>(error_code.checked("error_code")), std::move(reason_phrase)},
            reference(request_id));
      },
      nb::arg("track_namespace") = nb::make_tuple(), nb::arg("error_code") = moqt::RequestErrorCode::kInternalError,
      nb::arg("reason_phrase") = "", nb::arg("request_id") = 0);
  message.fields("That of the PUBLISH_NAMESPACE; draft-15 alone.", kReasonPhraseDoc);
  message.later_fields("Draft-16, in place of the namespace: of the PUBLISH_NAMESPACE.");
}

void bind_subscribe_namespace(nb::module_& m) {
  using W = wire::SubscribeNamespace;
  using Interest = wire::NamespaceInterest;
  nb::enum_<Interest>(m, "SubscribeOptions", nb::is_arithmetic(),
                      "What a SUBSCRIBE_NAMESPACE of draft-16 asks for (its section 9.25).")
      .value("PUBLISH", Interest::kPublish)
      .value("NAMESPACE", Interest::kNamespace)
      .value("BOTH", Interest::kBoth);
  MessageClass<W> message(
      m, "SubscribeNamespace",
      "SUBSCRIBE_NAMESPACE: tells the sender of namespaces and tracks below a prefix (section 9.23). From draft 18 on\n"
      "of namespaces alone.");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, const NamespaceArgument& prefix, nb::handle parameters,
         Interest options) {
        construct(self, W{prefix.value("track_namespace_prefix"), {}, options}, parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("track_namespace_prefix") = nb::make_tuple(),
      nb::arg("parameters") = nb::make_tuple(), nb::arg("subscribe_options") = Interest::kBoth,
      nb::sig("def __init__(self, request_id: int = 0, track_namespace_prefix: TrackNamespace | "
              "collections.abc.Sequence[str | bytes] = (), parameters: collections.abc.Iterable[Parameter] = (), "
              "subscribe_options: SubscribeOptions = ...) -> None"));
  message.fields("The sender's next Request ID (section 9.1).",
                 "1 to 32 fields, each equal to the field of a matching namespace at its place; from draft 18 on none, "
                 "too.");
  message.later_fields("Draft-16 alone: what to tell of.");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kAuthorizationToken, kForward});
}

/// NAMESPACE and NAMESPACE_DONE, which have one form.
template <class W>
void bind_suffix(nb::module_& m, const char* name, const char* doc) {
  MessageClass<W> message(m, name, doc);
  message.get().def(
      "__init__",
      [](Message<W>* self, const NamespaceArgument& suffix) {
        new (self) Message<W>(W{suffix.value("track_namespace_suffix")});
      },
      nb::arg("track_namespace_suffix") = nb::make_tuple());
  message.fields("What follows the prefix that was asked for; it may have no fields.");
}

void bind_publish_skipped(nb::module_& m) {
  using W = wire::PublishSkipped;
  MessageClass<W> message(
      m, "PublishSkipped",
      "PUBLISH_SKIPPED, PUBLISH_BLOCKED up to draft 18: a track below the prefix for which no PUBLISH\n"
      "will come (draft-18 section 10.20).");
  message.get().def(
      "__init__",
      [](Message<W>* self, const NamespaceArgument& suffix, nb::handle track_name) {
        new (self) Message<W>(W{suffix.value("track_namespace_suffix"), text_or_bytes(track_name, "track_name")});
      },
      nb::arg("track_namespace_suffix") = nb::make_tuple(), nb::arg("track_name") = nb::bytes("", 0),
      nb::sig("def __init__(self, track_namespace_suffix: TrackNamespace | collections.abc.Sequence[str | bytes] = (), "
              "track_name: str | bytes | bytearray | memoryview = b'') -> None"));
  message.fields("What follows the prefix that was asked for; it may have no fields.", "bytes, which may be empty.");
}

}  // namespace

void bind_namespace_messages(nb::module_& m) {
  auto publish_namespace = bind_namespace_request<wire::PublishNamespace>(
      m, "PublishNamespace", "track_namespace", &wire::PublishNamespace::track_namespace,
      "PUBLISH_NAMESPACE: the sender has tracks in a namespace (section 9.20).", "1 to 32 fields, at most 4096 bytes.");
  bind_typed_parameters(publish_namespace, {kAuthorizationToken});
  bind_publish_namespace_done(m);
  bind_publish_namespace_cancel(m);
  bind_subscribe_namespace(m);
  bind_namespace_request<wire::SubscribeTracks>(
      m, "SubscribeTracks", "track_namespace_prefix", &wire::SubscribeTracks::track_namespace_prefix,
      "SUBSCRIBE_TRACKS: asks for a PUBLISH of every track below a prefix (draft-18 section 10.19). From draft 18 on.",
      "Up to 32 fields, each equal to the field of a matching namespace at its place.");
  bind_suffix<wire::Namespace>(m, "Namespace",
                               "NAMESPACE: there is something below the prefix that was asked for (draft-18 section\n"
                               "10.16). From draft 16 on.");
  bind_suffix<wire::NamespaceDone>(m, "NamespaceDone",
                                   "NAMESPACE_DONE: not any more (draft-18 section 10.17). From draft 16 on.");
  bind_publish_skipped(m);
  bind_request_reference<wire::UnsubscribeNamespace>(
      m, "UnsubscribeNamespace", "UNSUBSCRIBE_NAMESPACE: ends a SUBSCRIBE_NAMESPACE (section 9.24).",
      "Of the SUBSCRIBE_NAMESPACE.");
}

}  // namespace msquic_py::python
