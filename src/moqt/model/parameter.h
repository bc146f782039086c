#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/location.h"
#include "moqt/model/range_filter.h"
#include "moqt/model/subscription_filter.h"
#include "moqt/model/track_namespace.h"

namespace msquic_py::moqt {

/// Numbers of the parameters of CLIENT_SETUP and SERVER_SETUP [d15 §9.3.1], from draft 17 on the options of SETUP.
enum class SetupParameter : std::uint64_t {
  kPath = 0x01,
  kMaxRequestId = 0x02,  ///< up to draft 16
  kAuthorizationToken = 0x03,
  kMaxAuthTokenCacheSize = 0x04,
  kAuthority = 0x05,
  kMaxFilterRanges = 0x06,  ///< from draft 19 on
  kMoqtImplementation = 0x07,
  kMaxRequestUpdates = 0x08,  ///< from draft 19 on
};

/// Numbers of the parameters of every other message [d15 §9.2.1]; another space than SetupParameter. Drafts differ in
/// which of them they have and where; what they have has the same number in all, and so have the properties of a track
/// (ParameterScope::kTrack), with one exception: 0x04 is RENDEZVOUS_TIMEOUT as a parameter.
enum class MessageParameter : std::uint64_t {
  kDeliveryTimeout = 0x02,  ///< OBJECT_DELIVERY_TIMEOUT from draft 18 on
  kAuthorizationToken = 0x03,
  kMaxCacheDuration = 0x04,  ///< a property of the track
  kSubgroupDeliveryTimeout = 0x06,
  kExpires = 0x08,
  kLargestObject = 0x09,
  kFillTimeout = 0x0A,
  kPublisherPriority = 0x0E,  ///< a property of the track
  kForward = 0x10,
  kSubscriberPriority = 0x20,
  kSubscriptionFilter = 0x21,  ///< LOCATION_FILTER from draft 19 on
  kGroupOrder = 0x22,          ///< as a property of the track: the publisher's default
  kFillParameters = 0x23,
  kSubgroupFilter = 0x25,
  kObjectIdFilter = 0x26,
  kPriorityFilter = 0x27,
  kObjectPropertyFilter = 0x28,
  kTrackPropertyFilter = 0x29,
  kDynamicGroups = 0x30,  ///< a property of the track
  kNewGroupRequest = 0x32,
  kTrackNamespacePrefix = 0x34,
  kIncludeProperties = 0x35,
};
/// RENDEZVOUS_TIMEOUT, which shares its number with MAX_CACHE_DURATION.
inline constexpr MessageParameter kRendezvousTimeout = MessageParameter::kMaxCacheDuration;

/// "PATH", "DELIVERY_TIMEOUT" …; "UNKNOWN" for a number without a name.
std::string_view name(SetupParameter parameter) noexcept;
std::string_view name(MessageParameter parameter) noexcept;

/// What a parameter says something about.
enum class ParameterScope : std::uint8_t {
  kMessage,  ///< the message, and so this session
  kTrack,    ///< the track: Track Properties from draft 16 on, among the parameters in draft-15
  kNone,     ///< known, but not defined for the message: to be ignored [d15 §9.2.1]
};

struct Parameter;

/// FILL_PARAMETERS (draft-22 section 9.20.15): the parameters of a fill, a scope of their own.
struct FillParameters {
  std::vector<Parameter> items;  // without {}: clang would want Parameter complete here
  bool operator==(const FillParameters& other) const;
};

/// A number, bytes, or one of the structures that known parameters carry. A known parameter in a message for which
/// it is not defined, and every unknown one, is a number (even type) or bytes (odd type), untouched.
using ParameterValue = std::variant<std::uint64_t, base::ByteVector, Location, SubscriptionFilter, AuthorizationToken,
                                    TrackNamespace, RangeFilter, FillParameters>;

struct Parameter {
  std::uint64_t type = 0;
  ParameterValue value{};
  ParameterScope scope = ParameterScope::kMessage;

  /// Whether a receiver reads both alike: one that is to be ignored equals itself, whatever it is called.
  bool operator==(const Parameter& other) const {
    return type == other.type && (scope == ParameterScope::kTrack) == (other.scope == ParameterScope::kTrack) &&
           value == other.value;
  }
};

inline bool FillParameters::operator==(const FillParameters& other) const { return items == other.items; }

}  // namespace msquic_py::moqt
