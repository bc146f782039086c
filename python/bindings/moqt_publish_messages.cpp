#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using enum moqt::MessageParameter;

void bind_publish(nb::module_& m) {
  using W = wire::Publish;
  MessageClass<W> message(m, "Publish", "PUBLISH: offers a track to a subscriber (section 9.13).");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, const NamespaceArgument& track_namespace, nb::handle track_name,
         IntegerArgument track_alias, nb::handle parameters) {
        W fields;
        fields.track = {track_namespace.value("track_namespace"), text_or_bytes(track_name, "track_name")};
        fields.track_alias = track_alias.checked("track_alias");
        construct(self, std::move(fields), parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("track_namespace") = nb::make_tuple(),
      nb::arg("track_name") = nb::bytes("", 0), nb::arg("track_alias") = 0, nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, track_namespace: TrackNamespace | "
              "collections.abc.Sequence[str | bytes] = (), track_name: str | bytes | bytearray | memoryview = b'', "
              "track_alias: int = 0, parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields("The sender's next Request ID (section 9.1).",
                 "What streams and datagrams of the track carry in place of its name.");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kDeliveryTimeout, kAuthorizationToken, kMaxCacheDuration, kExpires, kLargestObject,
                                  kPublisherPriority, kForward, kGroupOrder, kDynamicGroups});
}

void bind_publish_done(nb::module_& m) {
  using W = wire::PublishDone;
  MessageClass<W> message(m, "PublishDone", "PUBLISH_DONE: nothing more will come for a subscription (section 9.15).");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, IntegerArgument status_code, IntegerArgument stream_count,
         std::string reason_phrase) {
        new (self) Message<W>(W{static_cast<moqt::PublishDoneCode>(status_code.checked("status_code")),
                                stream_count.checked("stream_count"), std::move(reason_phrase)},
                              reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("status_code") = moqt::PublishDoneCode::kTrackEnded,
      nb::arg("stream_count") = 0, nb::arg("reason_phrase") = "");
  message.fields("Of the SUBSCRIBE or PUBLISH.",
                 "Data streams that were opened for the subscription; 2**62 - 1 when the publisher did not count.",
                 kReasonPhraseDoc);
}

}  // namespace

void bind_publish_messages(nb::module_& m) {
  bind_publish(m);
  auto publish_ok = bind_request_answer<wire::PublishOk>(
      m, "PublishOk", "PUBLISH_OK: the offered track is wanted (section 9.14).", "Of the PUBLISH.");
  bind_typed_parameters(publish_ok, {kDeliveryTimeout, kExpires, kForward, kSubscriberPriority, kSubscriptionFilter,
                                     kGroupOrder, kNewGroupRequest});
  bind_publish_done(m);
}

}  // namespace msquic_py::python
