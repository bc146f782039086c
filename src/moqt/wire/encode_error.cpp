#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

std::string_view describe(EncodeError error) noexcept {
  switch (error) {
    case EncodeError::kNumberTooLarge:
      return "a number is above 2^62-1, the largest that fits a variable-length integer";
    case EncodeError::kPayloadTooLong:
      return "the message payload is above 65535 bytes; shorten its parameters or texts";
    case EncodeError::kNamespaceFieldCount: return "a track namespace needs 1 to 32 fields";
    case EncodeError::kTrackNameTooLong: return "namespace fields and track name are together above 4096 bytes";
    case EncodeError::kReasonPhraseTooLong: return "the reason phrase is above 1024 bytes";
    case EncodeError::kNewSessionUriTooLong: return "the new session URI is above 8192 bytes";
    case EncodeError::kKeyValueKind:
      return "a parameter or extension with an even type takes a number, one with an odd type takes bytes";
    case EncodeError::kKeyValueTooLong: return "the value of a parameter or extension is above 65535 bytes";
    case EncodeError::kParameterOutOfRange: return "a parameter has a value that the draft does not allow for it";
    case EncodeError::kParameterRepeated: return "a parameter appears twice that may appear once";
    case EncodeError::kFilterRangeReversed: return "the end group of an AbsoluteRange filter is before its start group";
    case EncodeError::kTokenNotAllowed: return "CLIENT_SETUP cannot carry a token with alias type DELETE or USE_ALIAS";
    case EncodeError::kObjectIdNotIncreasing:
      return "the Object ID is not above that of the object before it; start a new stream";
    case EncodeError::kExtensionsNotAnnounced:
      return "the subgroup header says that its objects have no extensions; set has_extensions";
    case EncodeError::kExtensionsMalformed: return "the extension block is not a sequence of key-value pairs";
    case EncodeError::kStatusWithPayload:
      return "an object with payload has status Normal; leave out the payload or the status";
    case EncodeError::kStatusWithExtensions: return "only an object with status Normal may have extensions";
    case EncodeError::kDatagramFlags:
      return "a datagram with a status cannot also mark the end of the group; use status END_OF_GROUP";
    case EncodeError::kSubgroupIdMode:
      return "a subgroup_id is given although the mode implies it; use the explicit mode";
    case EncodeError::kNotInDraft: return "the negotiated draft has no such message or field";
    case EncodeError::kParameterNotDefined:
      return "the negotiated draft does not define that parameter for the message";
    case EncodeError::kNamespaceFieldEmpty: return "a field of a track namespace needs at least one byte";
    case EncodeError::kRedirectMismatch: return "a redirect goes with the error code REDIRECT, and with no other";
    case EncodeError::kStatusInFetch: return "an object of a fetch stream has no status in this draft; leave it out";
    case EncodeError::kGroupOrderReversed: return "the Group ID lies against the group order of the fetch";
  }
  return "UNKNOWN";
}

std::string_view name(EncodeError error) noexcept {
  switch (error) {
    case EncodeError::kNumberTooLarge: return "NUMBER_TOO_LARGE";
    case EncodeError::kPayloadTooLong: return "PAYLOAD_TOO_LONG";
    case EncodeError::kNamespaceFieldCount: return "NAMESPACE_FIELD_COUNT";
    case EncodeError::kTrackNameTooLong: return "TRACK_NAME_TOO_LONG";
    case EncodeError::kReasonPhraseTooLong: return "REASON_PHRASE_TOO_LONG";
    case EncodeError::kNewSessionUriTooLong: return "NEW_SESSION_URI_TOO_LONG";
    case EncodeError::kKeyValueKind: return "KEY_VALUE_KIND";
    case EncodeError::kKeyValueTooLong: return "KEY_VALUE_TOO_LONG";
    case EncodeError::kParameterOutOfRange: return "PARAMETER_OUT_OF_RANGE";
    case EncodeError::kParameterRepeated: return "PARAMETER_REPEATED";
    case EncodeError::kFilterRangeReversed: return "FILTER_RANGE_REVERSED";
    case EncodeError::kTokenNotAllowed: return "TOKEN_NOT_ALLOWED";
    case EncodeError::kObjectIdNotIncreasing: return "OBJECT_ID_NOT_INCREASING";
    case EncodeError::kExtensionsNotAnnounced: return "EXTENSIONS_NOT_ANNOUNCED";
    case EncodeError::kExtensionsMalformed: return "EXTENSIONS_MALFORMED";
    case EncodeError::kStatusWithPayload: return "STATUS_WITH_PAYLOAD";
    case EncodeError::kStatusWithExtensions: return "STATUS_WITH_EXTENSIONS";
    case EncodeError::kDatagramFlags: return "DATAGRAM_FLAGS";
    case EncodeError::kSubgroupIdMode: return "SUBGROUP_ID_MODE";
    case EncodeError::kNotInDraft: return "NOT_IN_DRAFT";
    case EncodeError::kParameterNotDefined: return "PARAMETER_NOT_DEFINED";
    case EncodeError::kNamespaceFieldEmpty: return "NAMESPACE_FIELD_EMPTY";
    case EncodeError::kRedirectMismatch: return "REDIRECT_MISMATCH";
    case EncodeError::kStatusInFetch: return "STATUS_IN_FETCH";
    case EncodeError::kGroupOrderReversed: return "GROUP_ORDER_REVERSED";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt::wire
