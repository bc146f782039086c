#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt {

/// Codes that close a session (sections 3.4, 13.3.1). A received code may be one that has no name here.
enum class SessionErrorCode : std::uint64_t {
  kNoError = 0x0,
  kInternalError = 0x1,
  kUnauthorized = 0x2,
  kProtocolViolation = 0x3,
  kInvalidRequestId = 0x4,
  kDuplicateTrackAlias = 0x5,
  kKeyValueFormattingError = 0x6,
  kTooManyRequests = 0x7,
  kInvalidPath = 0x8,
  kMalformedPath = 0x9,
  kGoawayTimeout = 0x10,
  kControlMessageTimeout = 0x11,
  kDataStreamTimeout = 0x12,
  kAuthTokenCacheOverflow = 0x13,
  kDuplicateAuthTokenAlias = 0x14,
  kVersionNegotiationFailed = 0x15,
  kMalformedAuthToken = 0x16,
  kUnknownAuthTokenAlias = 0x17,
  kExpiredAuthToken = 0x18,
  kInvalidAuthority = 0x19,
  kMalformedAuthority = 0x1A,
  kTooManyRequestUpdates = 0x1B,  ///< from draft 19 on
};

/// Stands in the number of an enumerator whose number in its own draft means something else in draft-15.
inline constexpr std::uint64_t kRenumbered = 0x10000;

// The numbers of the codes below are those of draft-15, and of the first draft that has the code where draft-15 has
// not. What a draft writes for each is known to its codec.

/// Codes of REQUEST_ERROR and PUBLISH_NAMESPACE_CANCEL (sections 9.8, 13.3.2).
enum class RequestErrorCode : std::uint64_t {
  kInternalError = 0x0,
  kUnauthorized = 0x1,
  kTimeout = 0x2,
  kNotSupported = 0x3,
  kMalformedAuthToken = 0x4,
  kExpiredAuthToken = 0x5,
  kGoingAway = 0x6,
  kExcessiveLoad = 0x9,
  kDoesNotExist = 0x10,
  kInvalidRange = 0x11,
  kMalformedTrack = 0x12,
  kDuplicateSubscription = 0x19,
  kUninterested = 0x20,
  kPrefixOverlap = 0x30,
  kNamespaceTooLarge = 0x31,
  kInvalidJoiningRequestId = 0x32,
  kUnknownStatusInRange = 0x33,
  kUnsupportedExtension = kRenumbered + 0x33,
  kRedirect = 0x34,
  kConflictingFilters = 0x35,
  kInvalidFilter = 0x36,
};

/// Status codes of PUBLISH_DONE (sections 9.15, 13.3.3).
enum class PublishDoneCode : std::uint64_t {
  kInternalError = 0x0,
  kUnauthorized = 0x1,
  kTrackEnded = 0x2,
  kSubscriptionEnded = 0x3,
  kGoingAway = 0x4,
  kExpired = 0x5,
  kTooFarBehind = 0x6,
  kMalformedTrack = 0x7,
  kUpdateFailed = 0x8,
  kExcessiveLoad = 0x9,
};

/// Codes of RESET_STREAM and STOP_SENDING: on data streams (sections 10.4.3, 13.3.4), from draft 17 on on any.
enum class StreamResetCode : std::uint64_t {
  kInternalError = 0x0,
  kCancelled = 0x1,
  kDeliveryTimeout = 0x2,
  kSessionClosed = 0x3,
  kGoingAway = 0x4,
  kTooFarBehind = 0x5,
  kUnknownObjectStatus = 0x6,
  kExpiredAuthToken = 0x7,
  kExcessiveLoad = 0x9,
  kMalformedTrack = 0x12,
};

/// The draft's name, "PROTOCOL_VIOLATION"; "UNKNOWN" for a code that has none.
std::string_view name(SessionErrorCode code) noexcept;
std::string_view name(RequestErrorCode code) noexcept;
std::string_view name(PublishDoneCode code) noexcept;
std::string_view name(StreamResetCode code) noexcept;

}  // namespace msquic_py::moqt
