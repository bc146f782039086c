#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/location.h"
#include "moqt/model/subscription_filter.h"

namespace msquic_py::moqt {

/// Numbers of the parameters of CLIENT_SETUP and SERVER_SETUP [d15 §9.3.1].
enum class SetupParameter : std::uint64_t {
  kPath = 0x01,
  kMaxRequestId = 0x02,
  kAuthorizationToken = 0x03,
  kMaxAuthTokenCacheSize = 0x04,
  kAuthority = 0x05,
  kMoqtImplementation = 0x07,
};

/// Numbers of the parameters of every other message [d15 §9.2.1]; another space than SetupParameter.
enum class MessageParameter : std::uint64_t {
  kDeliveryTimeout = 0x02,
  kAuthorizationToken = 0x03,
  kMaxCacheDuration = 0x04,
  kExpires = 0x08,
  kLargestObject = 0x09,
  kPublisherPriority = 0x0E,
  kForward = 0x10,
  kSubscriberPriority = 0x20,
  kSubscriptionFilter = 0x21,
  kGroupOrder = 0x22,
  kDynamicGroups = 0x30,
  kNewGroupRequest = 0x32,
};

/// "PATH", "DELIVERY_TIMEOUT" …; "UNKNOWN" for a number without a name.
std::string_view name(SetupParameter parameter) noexcept;
std::string_view name(MessageParameter parameter) noexcept;

/// A number, bytes, or one of the structures that known parameters carry. A known parameter in a message for which
/// it is not defined, and every unknown one, is a number (even type) or bytes (odd type), untouched.
using ParameterValue = std::variant<std::uint64_t, base::ByteVector, Location, SubscriptionFilter, AuthorizationToken>;

struct Parameter {
  std::uint64_t type = 0;
  ParameterValue value;
  bool operator==(const Parameter&) const = default;
};

}  // namespace msquic_py::moqt
