#include "moqt/session/session_error.h"

namespace msquic_py::moqt::session {

std::string_view describe(SessionError error) noexcept {
  switch (error) {
    case SessionError::kClosed: return "The session is closed; open a new one.";
    case SessionError::kGoingAway: return "The peer sent GOAWAY and takes no new requests; continue on a new session.";
    case SessionError::kInvalidName:
      return "A namespace needs 1 to 32 fields, none of them empty from draft 16 on, and namespace and track name "
             "together at most 4096 bytes.";
    case SessionError::kInvalidParameter:
      return "A parameter has a value that the draft forbids to send, or a Range Filter more ranges than the peer "
             "takes.";
    case SessionError::kInvalidRange:
      return "The subscriber's filter selects only groups that are past; it was refused with INVALID_RANGE.";
    case SessionError::kUnknownRequest: return "The request has ended, or never existed.";
    case SessionError::kWrongState: return "The request, track or stream does not allow this in its present state.";
    case SessionError::kWrongRole: return "This is for the other endpoint of the request to do.";
    case SessionError::kDuplicate: return "This track or namespace is in use already on this session; end that first.";
    case SessionError::kPrefixOverlap:
      return "The prefix overlaps a namespace subscription of this session; end that one first.";
    case SessionError::kTooManyRequests: return "Too many requests wait for the peer's credit; wait for answers first.";
    case SessionError::kTooManyStreams: return "Too many streams are open; finish or reset some first.";
    case SessionError::kUnknownStream: return "The stream has been finished, reset, or stopped by the peer.";
    case SessionError::kObjectOutOfOrder:
      return "Object IDs of one stream must rise; the groups of a fetch keep the order that was asked for.";
    case SessionError::kEmptyRange:
      return "The range ends before it starts; its end lies one past the last object, and object 0 takes the whole "
             "group in.";
    case SessionError::kOutOfRange: return "This lies outside of the range that the FETCH asks for.";
    case SessionError::kNotJoinable:
      return "A joining FETCH needs a subscription with the filter Largest Object, or from draft 17 on one with "
             "Forward "
             "State 1; use a standalone FETCH instead.";
    case SessionError::kNoDynamicGroups:
      return "The publisher did not say that it makes new groups on request (DYNAMIC_GROUPS); leave NEW_GROUP_REQUEST "
             "out.";
    case SessionError::kNotInDraft: return "The draft that this session speaks has nothing of the kind.";
    case SessionError::kTooLarge: return "The message or datagram is longer than can be sent; shorten it.";
  }
  return "Unknown error.";
}

}  // namespace msquic_py::moqt::session
