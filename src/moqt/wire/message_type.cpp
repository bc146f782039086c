#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire {

std::string_view name(MessageType type, Draft draft) noexcept {
  switch (type) {
    case MessageType::kRequestUpdate: return draft == Draft::k15 ? "SUBSCRIBE_UPDATE" : "REQUEST_UPDATE";
    case MessageType::kSubscribe: return "SUBSCRIBE";
    case MessageType::kSubscribeOk: return "SUBSCRIBE_OK";
    case MessageType::kRequestError: return "REQUEST_ERROR";
    case MessageType::kPublishNamespace: return "PUBLISH_NAMESPACE";
    case MessageType::kRequestOk: return "REQUEST_OK";
    case MessageType::kPublishNamespaceDone: return "PUBLISH_NAMESPACE_DONE";
    case MessageType::kUnsubscribe: return "UNSUBSCRIBE";
    case MessageType::kPublishDone: return "PUBLISH_DONE";
    case MessageType::kPublishNamespaceCancel: return "PUBLISH_NAMESPACE_CANCEL";
    case MessageType::kTrackStatus: return "TRACK_STATUS";
    case MessageType::kGoaway: return "GOAWAY";
    case MessageType::kSubscribeNamespace: return "SUBSCRIBE_NAMESPACE";
    case MessageType::kUnsubscribeNamespace: return "UNSUBSCRIBE_NAMESPACE";
    case MessageType::kMaxRequestId: return "MAX_REQUEST_ID";
    case MessageType::kFetch: return "FETCH";
    case MessageType::kFetchCancel: return "FETCH_CANCEL";
    case MessageType::kFetchOk: return "FETCH_OK";
    case MessageType::kRequestsBlocked: return "REQUESTS_BLOCKED";
    case MessageType::kPublish: return "PUBLISH";
    case MessageType::kPublishOk: return "PUBLISH_OK";
    case MessageType::kClientSetup: return "CLIENT_SETUP";
    case MessageType::kServerSetup: return "SERVER_SETUP";
    case MessageType::kSetup: return "SETUP";
    case MessageType::kNamespace: return "NAMESPACE";
    case MessageType::kNamespaceDone: return "NAMESPACE_DONE";
    case MessageType::kPublishSkipped: return draft <= Draft::k18 ? "PUBLISH_BLOCKED" : "PUBLISH_SKIPPED";
    case MessageType::kPublishStateNotify: return "PUBLISH_STATE_NOTIFY";
    case MessageType::kSubscribeTracks: return "SUBSCRIBE_TRACKS";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt::wire
