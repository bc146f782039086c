#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt::session {

/// Why the session refuses a call of the application. Nothing was sent and no state changed.
enum class SessionError : std::uint8_t {
  kClosed,            ///< the session is closed or closing
  kGoingAway,         ///< the peer sent GOAWAY: no new requests [d15 §9.4]
  kInvalidName,       ///< namespace or track name outside the limits of [d15 §2.4.1]
  kInvalidParameter,  ///< a parameter value that must not be sent, such as a range that ends before it starts
  kInvalidRange,      ///< accept() found that the subscriber wants only past groups, and refused with INVALID_RANGE
  kUnknownRequest,    ///< the handle names no request, or one that has ended
  kWrongState,        ///< the request does not allow this now, for example a second answer
  kWrongRole,         ///< the other endpoint's move, for example accepting one's own request
  kDuplicate,         ///< a live subscription for that track, or a live publication of that namespace, exists
  kPrefixOverlap,     ///< overlaps a live namespace subscription of ours [d15 §9.23]
  kTooManyRequests,   ///< Limits::max_waiting_requests wait for credit already
  kTooManyStreams,    ///< Limits::max_outgoing_streams are open already
  kUnknownStream,     ///< the stream has ended
  kObjectOutOfOrder,  ///< Object ID not above the previous one of the stream, or a group against a fetch's order
  kEmptyRange,        ///< a FETCH, or its FETCH_OK, that ends before it starts
  kOutOfRange,        ///< an object or an end outside of what the FETCH asks for
  kNotJoinable,       ///< a joining FETCH needs a subscription with the filter Largest Object [d15 §9.16.2]; from
                      ///< draft 17 on, one with Forward State 1
  kNoDynamicGroups,   ///< NEW_GROUP_REQUEST to a publisher that did not say DYNAMIC_GROUPS=1 [d15 §9.2.1.12]
  kNotInDraft,        ///< the draft of this session has no such message, or not with these fields
  kTooLarge,          ///< longer than a control message (65535 bytes) or a datagram of this transport
};

/// A sentence that says what happened and what to do.
std::string_view describe(SessionError error) noexcept;

}  // namespace msquic_py::moqt::session
