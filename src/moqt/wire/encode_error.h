#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace msquic_py::moqt::wire {

/// Why a value cannot be put on the wire. Always the caller's mistake; nothing was appended to the output.
enum class EncodeError : std::uint8_t {
  kNumberTooLarge,          ///< above the largest that the draft can write: 2^62-1 up to draft 16
  kPayloadTooLong,          ///< control message payload above 65535 bytes
  kNamespaceFieldCount,     ///< not 1 to 32 fields
  kTrackNameTooLong,        ///< full track name above 4096 bytes
  kReasonPhraseTooLong,     ///< above 1024 bytes
  kNewSessionUriTooLong,    ///< above 8192 bytes
  kKeyValueKind,            ///< an even type needs a number, an odd one bytes
  kKeyValueTooLong,         ///< above 65535 bytes
  kParameterOutOfRange,     ///< a known parameter with a value that the draft forbids
  kParameterRepeated,       ///< a known parameter that may appear once
  kFilterRangeReversed,     ///< AbsoluteRange ends before it starts
  kTokenNotAllowed,         ///< DELETE or USE_ALIAS in CLIENT_SETUP
  kObjectIdNotIncreasing,   ///< an object of a stream whose ID is not above the previous one
  kExtensionsNotAnnounced,  ///< extensions in a subgroup whose header says that there are none
  kExtensionsMalformed,     ///< the raw block is not a sequence of key-value pairs
  kStatusWithPayload,       ///< a status other than Normal with payload
  kStatusWithExtensions,    ///< a status other than Normal with extensions
  kDatagramFlags,           ///< end-of-group bit together with a status
  kSubgroupIdMode,          ///< an explicit Subgroup ID although the mode implies it
  kNotInDraft,              ///< a message, or a field of one, that the draft has not
  kParameterNotDefined,     ///< a parameter that the draft does not define, or not for that message
  kNamespaceFieldEmpty,     ///< a namespace field without a byte, from draft 16 on
  kRedirectMismatch,        ///< a redirect without the code REDIRECT, or that code without one
  kStatusInFetch,           ///< a status other than Normal in a fetch stream, from draft 16 on
  kGroupOrderReversed,      ///< a Group ID on a fetch stream that lies against the group order
};

/// What happened and what to do about it, one sentence.
std::string_view describe(EncodeError error) noexcept;
/// "NUMBER_TOO_LARGE" …
std::string_view name(EncodeError error) noexcept;

using EncodeResult = base::Result<void, EncodeError>;

}  // namespace msquic_py::moqt::wire
