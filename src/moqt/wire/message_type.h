#pragma once

#include <cstdint>
#include <string_view>

#include "moqt/model/draft.h"

namespace msquic_py::moqt::wire {

/// Messages of control and request streams. The numbers are those of draft-15 ([d15 §9], table 1), or of the first
/// draft that has the message; message_fields.h has those of every draft.
enum class MessageType : std::uint64_t {
  kRequestUpdate = 0x02,  ///< SUBSCRIBE_UPDATE in draft-15
  kSubscribe = 0x03,
  kSubscribeOk = 0x04,
  kRequestError = 0x05,
  kPublishNamespace = 0x06,
  kRequestOk = 0x07,
  kNamespace = 0x08,
  kPublishNamespaceDone = 0x09,
  kUnsubscribe = 0x0A,
  kPublishDone = 0x0B,
  kPublishNamespaceCancel = 0x0C,
  kTrackStatus = 0x0D,
  kNamespaceDone = 0x0E,
  kPublishSkipped = 0x0F,  ///< PUBLISH_BLOCKED up to draft 18
  kGoaway = 0x10,
  kSubscribeNamespace = 0x11,
  kUnsubscribeNamespace = 0x14,
  kMaxRequestId = 0x15,
  kFetch = 0x16,
  kFetchCancel = 0x17,
  kFetchOk = 0x18,
  kRequestsBlocked = 0x1A,
  kPublish = 0x1D,
  kPublishOk = 0x1E,
  kClientSetup = 0x20,
  kServerSetup = 0x21,
  kPublishStateNotify = 0x22,
  kSubscribeTracks = 0x51,
  kSetup = 0x2F00,
};

/// "SUBSCRIBE_OK", as that draft calls it; "UNKNOWN" for a number that is no message.
std::string_view name(MessageType type, Draft draft = Draft::k22) noexcept;

/// Whether the message is a request of its own, and so, from draft 17 on, the first of a bidirectional stream.
/// REQUEST_UPDATE is not: it goes on the stream of the request that it changes.
constexpr bool begins_request(MessageType type) noexcept {
  switch (type) {
    case MessageType::kSubscribe:
    case MessageType::kPublish:
    case MessageType::kFetch:
    case MessageType::kTrackStatus:
    case MessageType::kPublishNamespace:
    case MessageType::kSubscribeNamespace:
    case MessageType::kSubscribeTracks: return true;
    default: return false;
  }
}

}  // namespace msquic_py::moqt::wire
