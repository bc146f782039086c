#include "moqt/session/request_path/encode_refusal.h"

namespace msquic_py::moqt::session {

SessionError refusal_of(wire::EncodeError error) noexcept {
  switch (error) {
    case wire::EncodeError::kPayloadTooLong: return SessionError::kTooLarge;
    case wire::EncodeError::kNamespaceFieldCount:
    case wire::EncodeError::kNamespaceFieldEmpty:
    case wire::EncodeError::kTrackNameTooLong: return SessionError::kInvalidName;
    case wire::EncodeError::kNotInDraft: return SessionError::kNotInDraft;
    default: return SessionError::kInvalidParameter;
  }
}

}  // namespace msquic_py::moqt::session
