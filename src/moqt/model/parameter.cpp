#include "moqt/model/parameter.h"

namespace msquic_py::moqt {

std::string_view name(TokenAliasType type) noexcept {
  switch (type) {
    case TokenAliasType::kDelete: return "DELETE";
    case TokenAliasType::kRegister: return "REGISTER";
    case TokenAliasType::kUseAlias: return "USE_ALIAS";
    case TokenAliasType::kUseValue: return "USE_VALUE";
  }
  return "UNKNOWN";
}

std::string_view name(SetupParameter parameter) noexcept {
  switch (parameter) {
    case SetupParameter::kPath: return "PATH";
    case SetupParameter::kMaxRequestId: return "MAX_REQUEST_ID";
    case SetupParameter::kAuthorizationToken: return "AUTHORIZATION_TOKEN";
    case SetupParameter::kMaxAuthTokenCacheSize: return "MAX_AUTH_TOKEN_CACHE_SIZE";
    case SetupParameter::kAuthority: return "AUTHORITY";
    case SetupParameter::kMaxFilterRanges: return "MAX_FILTER_RANGES";
    case SetupParameter::kMoqtImplementation: return "MOQT_IMPLEMENTATION";
    case SetupParameter::kMaxRequestUpdates: return "MAX_REQUEST_UPDATES";
  }
  return "UNKNOWN";
}

std::string_view name(MessageParameter parameter) noexcept {
  switch (parameter) {
    case MessageParameter::kDeliveryTimeout: return "DELIVERY_TIMEOUT";
    case MessageParameter::kAuthorizationToken: return "AUTHORIZATION_TOKEN";
    case MessageParameter::kMaxCacheDuration: return "MAX_CACHE_DURATION";
    case MessageParameter::kSubgroupDeliveryTimeout: return "SUBGROUP_DELIVERY_TIMEOUT";
    case MessageParameter::kExpires: return "EXPIRES";
    case MessageParameter::kLargestObject: return "LARGEST_OBJECT";
    case MessageParameter::kFillTimeout: return "FILL_TIMEOUT";
    case MessageParameter::kPublisherPriority: return "PUBLISHER_PRIORITY";
    case MessageParameter::kForward: return "FORWARD";
    case MessageParameter::kSubscriberPriority: return "SUBSCRIBER_PRIORITY";
    case MessageParameter::kSubscriptionFilter: return "SUBSCRIPTION_FILTER";
    case MessageParameter::kGroupOrder: return "GROUP_ORDER";
    case MessageParameter::kFillParameters: return "FILL_PARAMETERS";
    case MessageParameter::kSubgroupFilter: return "SUBGROUP_FILTER";
    case MessageParameter::kObjectIdFilter: return "OBJECTID_FILTER";
    case MessageParameter::kPriorityFilter: return "PRIORITY_FILTER";
    case MessageParameter::kObjectPropertyFilter: return "OBJECT_PROPERTY_FILTER";
    case MessageParameter::kTrackPropertyFilter: return "TRACK_PROPERTY_FILTER";
    case MessageParameter::kDynamicGroups: return "DYNAMIC_GROUPS";
    case MessageParameter::kNewGroupRequest: return "NEW_GROUP_REQUEST";
    case MessageParameter::kTrackNamespacePrefix: return "TRACK_NAMESPACE_PREFIX";
    case MessageParameter::kIncludeProperties: return "INCLUDE_PROPERTIES";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt
