#include "moqt/model/group_order.h"
#include "moqt/model/key_value_pair.h"
#include "moqt/model/object_status.h"
#include "moqt/model/parameter.h"
#include "moqt/model/subscription_filter.h"
#include "moqt/wire/fetch.h"
#include "moqt/wire/message_type.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

void bind_message_type(nb::module_& m) {
  using moqt::wire::MessageType;
  using enum MessageType;
  nb::enum_<MessageType>(
      m, "MessageType", nb::is_arithmetic(),
      "Types of control messages (section 9, table 1), under the number that the first draft gave that has them.")
      .value("SUBSCRIBE_UPDATE", kRequestUpdate)
      .value("SUBSCRIBE", kSubscribe)
      .value("SUBSCRIBE_OK", kSubscribeOk)
      .value("REQUEST_ERROR", kRequestError)
      .value("PUBLISH_NAMESPACE", kPublishNamespace)
      .value("REQUEST_OK", kRequestOk)
      .value("PUBLISH_NAMESPACE_DONE", kPublishNamespaceDone)
      .value("UNSUBSCRIBE", kUnsubscribe)
      .value("PUBLISH_DONE", kPublishDone)
      .value("PUBLISH_NAMESPACE_CANCEL", kPublishNamespaceCancel)
      .value("TRACK_STATUS", kTrackStatus)
      .value("GOAWAY", kGoaway)
      .value("SUBSCRIBE_NAMESPACE", kSubscribeNamespace)
      .value("UNSUBSCRIBE_NAMESPACE", kUnsubscribeNamespace)
      .value("MAX_REQUEST_ID", kMaxRequestId)
      .value("FETCH", kFetch)
      .value("FETCH_CANCEL", kFetchCancel)
      .value("FETCH_OK", kFetchOk)
      .value("REQUESTS_BLOCKED", kRequestsBlocked)
      .value("PUBLISH", kPublish)
      .value("PUBLISH_OK", kPublishOk)
      .value("CLIENT_SETUP", kClientSetup)
      .value("SERVER_SETUP", kServerSetup)
      // Of later drafts.
      .value("NAMESPACE", kNamespace)
      .value("NAMESPACE_DONE", kNamespaceDone)
      .value("PUBLISH_SKIPPED", kPublishSkipped)
      .value("PUBLISH_STATE_NOTIFY", kPublishStateNotify)
      .value("SUBSCRIBE_TRACKS", kSubscribeTracks)
      .value("SETUP", kSetup);
  m.attr("MessageType").attr("REQUEST_UPDATE") = nb::cast(kRequestUpdate);
  m.attr("MessageType").attr("PUBLISH_BLOCKED") = nb::cast(kPublishSkipped);
}

void bind_parameter_types(nb::module_& m) {
  using moqt::MessageParameter;
  using moqt::SetupParameter;
  nb::enum_<SetupParameter>(m, "SetupParameterType", nb::is_arithmetic(),
                            "Parameters of CLIENT_SETUP and SERVER_SETUP (section 9.3.1).")
      .value("PATH", SetupParameter::kPath)
      .value("MAX_REQUEST_ID", SetupParameter::kMaxRequestId)
      .value("AUTHORIZATION_TOKEN", SetupParameter::kAuthorizationToken)
      .value("MAX_AUTH_TOKEN_CACHE_SIZE", SetupParameter::kMaxAuthTokenCacheSize)
      .value("AUTHORITY", SetupParameter::kAuthority)
      .value("MOQT_IMPLEMENTATION", SetupParameter::kMoqtImplementation)
      .value("MAX_FILTER_RANGES", SetupParameter::kMaxFilterRanges)
      .value("MAX_REQUEST_UPDATES", SetupParameter::kMaxRequestUpdates);
  nb::enum_<MessageParameter>(m, "MessageParameterType", nb::is_arithmetic(),
                              "Parameters of every message but the two SETUPs (section 9.2.1); another number space.")
      .value("DELIVERY_TIMEOUT", MessageParameter::kDeliveryTimeout)
      .value("AUTHORIZATION_TOKEN", MessageParameter::kAuthorizationToken)
      .value("MAX_CACHE_DURATION", MessageParameter::kMaxCacheDuration)
      .value("EXPIRES", MessageParameter::kExpires)
      .value("LARGEST_OBJECT", MessageParameter::kLargestObject)
      .value("PUBLISHER_PRIORITY", MessageParameter::kPublisherPriority)
      .value("FORWARD", MessageParameter::kForward)
      .value("SUBSCRIBER_PRIORITY", MessageParameter::kSubscriberPriority)
      .value("SUBSCRIPTION_FILTER", MessageParameter::kSubscriptionFilter)
      .value("GROUP_ORDER", MessageParameter::kGroupOrder)
      .value("DYNAMIC_GROUPS", MessageParameter::kDynamicGroups)
      .value("NEW_GROUP_REQUEST", MessageParameter::kNewGroupRequest)
      // Of later drafts.
      .value("SUBGROUP_DELIVERY_TIMEOUT", MessageParameter::kSubgroupDeliveryTimeout)
      .value("FILL_TIMEOUT", MessageParameter::kFillTimeout)
      .value("FILL_PARAMETERS", MessageParameter::kFillParameters)
      .value("SUBGROUP_FILTER", MessageParameter::kSubgroupFilter)
      .value("OBJECT_ID_FILTER", MessageParameter::kObjectIdFilter)
      .value("PRIORITY_FILTER", MessageParameter::kPriorityFilter)
      .value("OBJECT_PROPERTY_FILTER", MessageParameter::kObjectPropertyFilter)
      .value("TRACK_PROPERTY_FILTER", MessageParameter::kTrackPropertyFilter)
      .value("TRACK_NAMESPACE_PREFIX", MessageParameter::kTrackNamespacePrefix)
      .value("INCLUDE_PROPERTIES", MessageParameter::kIncludeProperties);
  m.attr("MessageParameterType").attr("RENDEZVOUS_TIMEOUT") = nb::cast(moqt::kRendezvousTimeout);
  m.attr("MessageParameterType").attr("LOCATION_FILTER") = nb::cast(MessageParameter::kSubscriptionFilter);
}

}  // namespace

void bind_enumerations(nb::module_& m) {
  bind_message_type(m);
  bind_parameter_types(m);

  using moqt::ExtensionType;
  using moqt::FilterType;
  using moqt::GroupOrder;
  using moqt::ObjectStatus;
  using moqt::wire::FetchType;
  nb::enum_<ExtensionType>(m, "ExtensionType", nb::is_arithmetic(),
                           "Object extension headers that the transport itself defines (section 11).")
      .value("IMMUTABLE_EXTENSIONS", ExtensionType::kImmutableExtensions)
      .value("PRIOR_GROUP_ID_GAP", ExtensionType::kPriorGroupIdGap)
      .value("PRIOR_OBJECT_ID_GAP", ExtensionType::kPriorObjectIdGap);
  nb::enum_<FilterType>(m, "FilterType", nb::is_arithmetic(), "Subscription filters (section 5.1.2).")
      .value("NEXT_GROUP_START", FilterType::kNextGroupStart)
      .value("LARGEST_OBJECT", FilterType::kLargestObject)
      .value("ABSOLUTE_START", FilterType::kAbsoluteStart)
      .value("ABSOLUTE_RANGE", FilterType::kAbsoluteRange)
      // From draft 20 on; these numbers are not on the wire.
      .value("UNFILTERED", FilterType::kUnfiltered)
      .value("RELATIVE_GROUP", FilterType::kRelativeGroup)
      .value("ABSOLUTE_LOCATIONS", FilterType::kAbsoluteLocations);
  // What drafts before called them.
  m.attr("FilterType").attr("LATEST_GROUP") = nb::cast(FilterType::kNextGroupStart);
  m.attr("FilterType").attr("LATEST_OBJECT") = nb::cast(FilterType::kLargestObject);
  nb::enum_<GroupOrder>(m, "GroupOrder", nb::is_arithmetic(), "The order in which groups are sent (section 9.2.1.6).")
      .value("ASCENDING", GroupOrder::kAscending)
      .value("DESCENDING", GroupOrder::kDescending);
  nb::enum_<FetchType>(m, "FetchType", nb::is_arithmetic(), "Kinds of FETCH (section 9.16).")
      .value("STANDALONE", FetchType::kStandalone)
      .value("RELATIVE_JOINING", FetchType::kRelativeJoining)
      .value("ABSOLUTE_JOINING", FetchType::kAbsoluteJoining);
  nb::enum_<ObjectStatus>(m, "ObjectStatus", nb::is_arithmetic(),
                          "What an object without payload means (section 10.2.1.1); with payload it is always NORMAL.")
      .value("NORMAL", ObjectStatus::kNormal)
      .value("DOES_NOT_EXIST", ObjectStatus::kDoesNotExist)
      .value("END_OF_GROUP", ObjectStatus::kEndOfGroup)
      .value("END_OF_TRACK", ObjectStatus::kEndOfTrack);
  // The draft's words for it in full.
  m.attr("ObjectStatus").attr("OBJECT_DOES_NOT_EXIST") = nb::cast(ObjectStatus::kDoesNotExist);
}

}  // namespace msquic_py::python
