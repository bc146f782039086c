#include "moqt_message.h"
#include "moqt_parameter_properties.h"
#include "moqt_request_forms.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using enum moqt::MessageParameter;

/// SUBSCRIBE and TRACK_STATUS, which have one form [d15 §9.19].
template <class W>
void bind_track_request(nb::module_& m, const char* name, const char* doc) {
  MessageClass<W> message(m, name, doc);
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, const NamespaceArgument& track_namespace, nb::handle track_name,
         nb::handle parameters) {
        W fields;
        fields.track = {track_namespace.value("track_namespace"), text_or_bytes(track_name, "track_name")};
        construct(self, std::move(fields), parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("track_namespace") = nb::make_tuple(),
      nb::arg("track_name") = nb::bytes("", 0), nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, track_namespace: TrackNamespace | "
              "collections.abc.Sequence[str | bytes] = (), track_name: str | bytes | bytearray | memoryview = b'', "
              "parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields("The sender's next Request ID (section 9.1).");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kDeliveryTimeout, kAuthorizationToken, kForward, kSubscriberPriority,
                                  kSubscriptionFilter, kGroupOrder});
  if constexpr (std::is_same_v<W, wire::Subscribe>) bind_typed_parameters(message, {kNewGroupRequest});
}

void bind_subscribe_ok(nb::module_& m) {
  using W = wire::SubscribeOk;
  MessageClass<W> message(m, "SubscribeOk", "SUBSCRIBE_OK: the subscription is established (section 9.10).");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, IntegerArgument track_alias, nb::handle parameters) {
        construct(self, W{track_alias.checked("track_alias"), {}}, parameters, reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("track_alias") = 0, nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, track_alias: int = 0, parameters: "
              "collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields("Of the SUBSCRIBE.", "What streams and datagrams of the track carry in place of its name.");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kDeliveryTimeout, kMaxCacheDuration, kExpires, kLargestObject, kPublisherPriority,
                                  kGroupOrder, kDynamicGroups});
}

void bind_subscribe_update(nb::module_& m) {
  using W = wire::RequestUpdate;
  MessageClass<W> message(
      m, "SubscribeUpdate",
      "SUBSCRIBE_UPDATE: changes a subscription (section 9.11). An absent parameter stays as it was.\n\n"
      "From draft 16 on it is REQUEST_UPDATE, and changes other requests, too.");
  message.get().def(
      "__init__",
      [](Message<W>* self, IntegerArgument request_id, IntegerArgument subscription_request_id, nb::handle parameters) {
        construct(self, W{{subscription_request_id.checked("subscription_request_id")}, {}}, parameters,
                  reference(request_id));
      },
      nb::arg("request_id") = 0, nb::arg("subscription_request_id") = 0, nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, request_id: int = 0, subscription_request_id: int = 0, parameters: "
              "collections.abc.Iterable[Parameter] = ()) -> None"));
  message.fields("Of this message: the sender's next Request ID.",
                 "Of the SUBSCRIBE or PUBLISH that it changes, up to draft 16; then its stream tells.");
  message.get().def_prop_rw(
      "existing_request_id", [](const Message<W>& self) { return self.fields.existing.id; },
      [](Message<W>& self, IntegerArgument value) { self.fields.existing.id = value.checked("existing_request_id"); },
      "Draft-16's name of subscription_request_id: there other requests are changed, too.");
  bind_parameter_access(message.get());
  bind_typed_parameters(message, {kDeliveryTimeout, kAuthorizationToken, kForward, kSubscriberPriority,
                                  kSubscriptionFilter, kNewGroupRequest});
}

}  // namespace

void bind_subscribe_messages(nb::module_& m) {
  bind_track_request<wire::Subscribe>(m, "Subscribe",
                                      "SUBSCRIBE: objects of a track, please, as they are published (section 9.9).");
  bind_subscribe_ok(m);
  bind_subscribe_update(m);
  MessageClass<wire::PublishStateNotify> notify(
      m, "PublishStateNotify",
      "PUBLISH_STATE_NOTIFY: what the publisher has changed about a subscription by itself (draft-22 section 9.10).");
  notify.get().def(
      "__init__",
      [](Message<wire::PublishStateNotify>* self, nb::handle parameters) { construct(self, {}, parameters); },
      nb::arg("parameters") = nb::make_tuple(),
      nb::sig("def __init__(self, parameters: collections.abc.Iterable[Parameter] = ()) -> None"));
  notify.fields();
  bind_parameter_access(notify.get());
  bind_request_reference<wire::Unsubscribe>(m, "Unsubscribe", "UNSUBSCRIBE: ends a subscription (section 9.12).",
                                            "Of the SUBSCRIBE or PUBLISH.");
  bind_track_request<wire::TrackStatus>(
      m, "TrackStatus", "TRACK_STATUS: SUBSCRIBE as a question only; no subscription comes of it (section 9.19).");
}

}  // namespace msquic_py::python
