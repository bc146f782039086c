#include "moqt/model/error_codes.h"

namespace msquic_py::moqt {

std::string_view name(SessionErrorCode code) noexcept {
  switch (code) {
    case SessionErrorCode::kNoError: return "NO_ERROR";
    case SessionErrorCode::kInternalError: return "INTERNAL_ERROR";
    case SessionErrorCode::kUnauthorized: return "UNAUTHORIZED";
    case SessionErrorCode::kProtocolViolation: return "PROTOCOL_VIOLATION";
    case SessionErrorCode::kInvalidRequestId: return "INVALID_REQUEST_ID";
    case SessionErrorCode::kDuplicateTrackAlias: return "DUPLICATE_TRACK_ALIAS";
    case SessionErrorCode::kKeyValueFormattingError: return "KEY_VALUE_FORMATTING_ERROR";
    case SessionErrorCode::kTooManyRequests: return "TOO_MANY_REQUESTS";
    case SessionErrorCode::kInvalidPath: return "INVALID_PATH";
    case SessionErrorCode::kMalformedPath: return "MALFORMED_PATH";
    case SessionErrorCode::kGoawayTimeout: return "GOAWAY_TIMEOUT";
    case SessionErrorCode::kControlMessageTimeout: return "CONTROL_MESSAGE_TIMEOUT";
    case SessionErrorCode::kDataStreamTimeout: return "DATA_STREAM_TIMEOUT";
    case SessionErrorCode::kAuthTokenCacheOverflow: return "AUTH_TOKEN_CACHE_OVERFLOW";
    case SessionErrorCode::kDuplicateAuthTokenAlias: return "DUPLICATE_AUTH_TOKEN_ALIAS";
    case SessionErrorCode::kVersionNegotiationFailed: return "VERSION_NEGOTIATION_FAILED";
    case SessionErrorCode::kMalformedAuthToken: return "MALFORMED_AUTH_TOKEN";
    case SessionErrorCode::kUnknownAuthTokenAlias: return "UNKNOWN_AUTH_TOKEN_ALIAS";
    case SessionErrorCode::kExpiredAuthToken: return "EXPIRED_AUTH_TOKEN";
    case SessionErrorCode::kInvalidAuthority: return "INVALID_AUTHORITY";
    case SessionErrorCode::kMalformedAuthority: return "MALFORMED_AUTHORITY";
    case SessionErrorCode::kTooManyRequestUpdates: return "TOO_MANY_REQUEST_UPDATES";
  }
  return "UNKNOWN";
}

std::string_view name(RequestErrorCode code) noexcept {
  switch (code) {
    case RequestErrorCode::kInternalError: return "INTERNAL_ERROR";
    case RequestErrorCode::kUnauthorized: return "UNAUTHORIZED";
    case RequestErrorCode::kTimeout: return "TIMEOUT";
    case RequestErrorCode::kNotSupported: return "NOT_SUPPORTED";
    case RequestErrorCode::kMalformedAuthToken: return "MALFORMED_AUTH_TOKEN";
    case RequestErrorCode::kExpiredAuthToken: return "EXPIRED_AUTH_TOKEN";
    case RequestErrorCode::kGoingAway: return "GOING_AWAY";
    case RequestErrorCode::kExcessiveLoad: return "EXCESSIVE_LOAD";
    case RequestErrorCode::kDoesNotExist: return "DOES_NOT_EXIST";
    case RequestErrorCode::kInvalidRange: return "INVALID_RANGE";
    case RequestErrorCode::kMalformedTrack: return "MALFORMED_TRACK";
    case RequestErrorCode::kDuplicateSubscription: return "DUPLICATE_SUBSCRIPTION";
    case RequestErrorCode::kUninterested: return "UNINTERESTED";
    case RequestErrorCode::kPrefixOverlap: return "PREFIX_OVERLAP";
    case RequestErrorCode::kNamespaceTooLarge: return "NAMESPACE_TOO_LARGE";
    case RequestErrorCode::kInvalidJoiningRequestId: return "INVALID_JOINING_REQUEST_ID";
    case RequestErrorCode::kUnknownStatusInRange: return "UNKNOWN_STATUS_IN_RANGE";
    case RequestErrorCode::kUnsupportedExtension: return "UNSUPPORTED_EXTENSION";
    case RequestErrorCode::kRedirect: return "REDIRECT";
    case RequestErrorCode::kConflictingFilters: return "CONFLICTING_FILTERS";
    case RequestErrorCode::kInvalidFilter: return "INVALID_FILTER";
  }
  return "UNKNOWN";
}

std::string_view name(PublishDoneCode code) noexcept {
  switch (code) {
    case PublishDoneCode::kInternalError: return "INTERNAL_ERROR";
    case PublishDoneCode::kUnauthorized: return "UNAUTHORIZED";
    case PublishDoneCode::kTrackEnded: return "TRACK_ENDED";
    case PublishDoneCode::kSubscriptionEnded: return "SUBSCRIPTION_ENDED";
    case PublishDoneCode::kGoingAway: return "GOING_AWAY";
    case PublishDoneCode::kExpired: return "EXPIRED";
    case PublishDoneCode::kTooFarBehind: return "TOO_FAR_BEHIND";
    case PublishDoneCode::kMalformedTrack: return "MALFORMED_TRACK";
    case PublishDoneCode::kUpdateFailed: return "UPDATE_FAILED";
    case PublishDoneCode::kExcessiveLoad: return "EXCESSIVE_LOAD";
  }
  return "UNKNOWN";
}

std::string_view name(StreamResetCode code) noexcept {
  switch (code) {
    case StreamResetCode::kInternalError: return "INTERNAL_ERROR";
    case StreamResetCode::kCancelled: return "CANCELLED";
    case StreamResetCode::kDeliveryTimeout: return "DELIVERY_TIMEOUT";
    case StreamResetCode::kSessionClosed: return "SESSION_CLOSED";
    case StreamResetCode::kGoingAway: return "GOING_AWAY";
    case StreamResetCode::kTooFarBehind: return "TOO_FAR_BEHIND";
    case StreamResetCode::kUnknownObjectStatus: return "UNKNOWN_OBJECT_STATUS";
    case StreamResetCode::kExpiredAuthToken: return "EXPIRED_AUTH_TOKEN";
    case StreamResetCode::kExcessiveLoad: return "EXCESSIVE_LOAD";
    case StreamResetCode::kMalformedTrack: return "MALFORMED_TRACK";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt
