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
    case SetupParameter::kMoqtImplementation: return "MOQT_IMPLEMENTATION";
  }
  return "UNKNOWN";
}

std::string_view name(MessageParameter parameter) noexcept {
  switch (parameter) {
    case MessageParameter::kDeliveryTimeout: return "DELIVERY_TIMEOUT";
    case MessageParameter::kAuthorizationToken: return "AUTHORIZATION_TOKEN";
    case MessageParameter::kMaxCacheDuration: return "MAX_CACHE_DURATION";
    case MessageParameter::kExpires: return "EXPIRES";
    case MessageParameter::kLargestObject: return "LARGEST_OBJECT";
    case MessageParameter::kPublisherPriority: return "PUBLISHER_PRIORITY";
    case MessageParameter::kForward: return "FORWARD";
    case MessageParameter::kSubscriberPriority: return "SUBSCRIBER_PRIORITY";
    case MessageParameter::kSubscriptionFilter: return "SUBSCRIPTION_FILTER";
    case MessageParameter::kGroupOrder: return "GROUP_ORDER";
    case MessageParameter::kDynamicGroups: return "DYNAMIC_GROUPS";
    case MessageParameter::kNewGroupRequest: return "NEW_GROUP_REQUEST";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt
