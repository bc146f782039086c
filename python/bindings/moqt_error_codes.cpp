#include "moqt/model/error_codes.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using moqt::PublishDoneCode;
using moqt::RequestErrorCode;
using moqt::SessionErrorCode;
using moqt::StreamResetCode;

void bind_session_error_code(nb::module_& m) {
  using enum SessionErrorCode;
  nb::enum_<SessionErrorCode>(m, "ErrorCode", nb::is_arithmetic(), "Codes that close a session (sections 3.4, 13.3.1).")
      .value("NO_ERROR", kNoError)
      .value("INTERNAL_ERROR", kInternalError)
      .value("UNAUTHORIZED", kUnauthorized)
      .value("PROTOCOL_VIOLATION", kProtocolViolation)
      .value("INVALID_REQUEST_ID", kInvalidRequestId)
      .value("DUPLICATE_TRACK_ALIAS", kDuplicateTrackAlias)
      .value("KEY_VALUE_FORMATTING_ERROR", kKeyValueFormattingError)
      .value("TOO_MANY_REQUESTS", kTooManyRequests)
      .value("INVALID_PATH", kInvalidPath)
      .value("MALFORMED_PATH", kMalformedPath)
      .value("GOAWAY_TIMEOUT", kGoawayTimeout)
      .value("CONTROL_MESSAGE_TIMEOUT", kControlMessageTimeout)
      .value("DATA_STREAM_TIMEOUT", kDataStreamTimeout)
      .value("AUTH_TOKEN_CACHE_OVERFLOW", kAuthTokenCacheOverflow)
      .value("DUPLICATE_AUTH_TOKEN_ALIAS", kDuplicateAuthTokenAlias)
      .value("VERSION_NEGOTIATION_FAILED", kVersionNegotiationFailed)
      .value("MALFORMED_AUTH_TOKEN", kMalformedAuthToken)
      .value("UNKNOWN_AUTH_TOKEN_ALIAS", kUnknownAuthTokenAlias)
      .value("EXPIRED_AUTH_TOKEN", kExpiredAuthToken)
      .value("INVALID_AUTHORITY", kInvalidAuthority)
      .value("MALFORMED_AUTHORITY", kMalformedAuthority)
      .value("TOO_MANY_REQUEST_UPDATES", kTooManyRequestUpdates);
}

void bind_request_error_code(nb::module_& m) {
  using enum RequestErrorCode;
  nb::enum_<RequestErrorCode>(m, "RequestErrorCode", nb::is_arithmetic(),
                              "Codes of REQUEST_ERROR and PUBLISH_NAMESPACE_CANCEL (sections 9.8, 13.3.2).")
      .value("INTERNAL_ERROR", kInternalError)
      .value("UNAUTHORIZED", kUnauthorized)
      .value("TIMEOUT", kTimeout)
      .value("NOT_SUPPORTED", kNotSupported)
      .value("MALFORMED_AUTH_TOKEN", kMalformedAuthToken)
      .value("EXPIRED_AUTH_TOKEN", kExpiredAuthToken)
      .value("GOING_AWAY", kGoingAway)
      .value("EXCESSIVE_LOAD", kExcessiveLoad)
      .value("DOES_NOT_EXIST", kDoesNotExist)
      .value("INVALID_RANGE", kInvalidRange)
      .value("MALFORMED_TRACK", kMalformedTrack)
      .value("DUPLICATE_SUBSCRIPTION", kDuplicateSubscription)
      .value("UNINTERESTED", kUninterested)
      .value("PREFIX_OVERLAP", kPrefixOverlap)
      .value("NAMESPACE_TOO_LARGE", kNamespaceTooLarge)
      .value("INVALID_JOINING_REQUEST_ID", kInvalidJoiningRequestId)
      .value("UNKNOWN_STATUS_IN_RANGE", kUnknownStatusInRange)
      .value("UNSUPPORTED_EXTENSION", kUnsupportedExtension)
      .value("REDIRECT", kRedirect)
      .value("CONFLICTING_FILTERS", kConflictingFilters)
      .value("INVALID_FILTER", kInvalidFilter);
}

void bind_publish_done_code(nb::module_& m) {
  using enum PublishDoneCode;
  nb::enum_<PublishDoneCode>(m, "PublishDoneCode", nb::is_arithmetic(),
                             "Status codes of PUBLISH_DONE (sections 9.15, 13.3.3).")
      .value("INTERNAL_ERROR", kInternalError)
      .value("UNAUTHORIZED", kUnauthorized)
      .value("TRACK_ENDED", kTrackEnded)
      .value("SUBSCRIPTION_ENDED", kSubscriptionEnded)
      .value("GOING_AWAY", kGoingAway)
      .value("EXPIRED", kExpired)
      .value("TOO_FAR_BEHIND", kTooFarBehind)
      .value("MALFORMED_TRACK", kMalformedTrack)
      .value("UPDATE_FAILED", kUpdateFailed)
      .value("EXCESSIVE_LOAD", kExcessiveLoad);
}

void bind_stream_reset_code(nb::module_& m) {
  using enum StreamResetCode;
  nb::enum_<StreamResetCode>(m, "StreamResetCode", nb::is_arithmetic(),
                             "Codes of RESET_STREAM and STOP_SENDING on data streams (sections 10.4.3, 13.3.4).")
      .value("INTERNAL_ERROR", kInternalError)
      .value("CANCELLED", kCancelled)
      .value("DELIVERY_TIMEOUT", kDeliveryTimeout)
      .value("SESSION_CLOSED", kSessionClosed)
      .value("GOING_AWAY", kGoingAway)
      .value("TOO_FAR_BEHIND", kTooFarBehind)
      .value("UNKNOWN_OBJECT_STATUS", kUnknownObjectStatus)
      .value("EXPIRED_AUTH_TOKEN", kExpiredAuthToken)
      .value("EXCESSIVE_LOAD", kExcessiveLoad)
      .value("MALFORMED_TRACK", kMalformedTrack);
}

}  // namespace

void bind_error_codes(nb::module_& m) {
  bind_session_error_code(m);
  bind_request_error_code(m);
  bind_publish_done_code(m);
  bind_stream_reset_code(m);
}

}  // namespace msquic_py::python
