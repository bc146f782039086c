#include "moqt/wire/control_message.h"

#include "moqt/wire/codec.h"

namespace msquic_py::moqt::wire {
namespace {

MessageType type(const ClientSetup&) { return MessageType::kClientSetup; }
MessageType type(const ServerSetup&) { return MessageType::kServerSetup; }
MessageType type(const Goaway&) { return MessageType::kGoaway; }
MessageType type(const MaxRequestId&) { return MessageType::kMaxRequestId; }
MessageType type(const RequestsBlocked&) { return MessageType::kRequestsBlocked; }
MessageType type(const RequestOk&) { return MessageType::kRequestOk; }
MessageType type(const RequestError&) { return MessageType::kRequestError; }
MessageType type(const Subscribe&) { return MessageType::kSubscribe; }
MessageType type(const SubscribeOk&) { return MessageType::kSubscribeOk; }
MessageType type(const RequestUpdate&) { return MessageType::kRequestUpdate; }
MessageType type(const Unsubscribe&) { return MessageType::kUnsubscribe; }
MessageType type(const TrackStatus&) { return MessageType::kTrackStatus; }
MessageType type(const Publish&) { return MessageType::kPublish; }
MessageType type(const PublishOk&) { return MessageType::kPublishOk; }
MessageType type(const PublishDone&) { return MessageType::kPublishDone; }
MessageType type(const Fetch&) { return MessageType::kFetch; }
MessageType type(const FetchOk&) { return MessageType::kFetchOk; }
MessageType type(const FetchCancel&) { return MessageType::kFetchCancel; }
MessageType type(const PublishNamespace&) { return MessageType::kPublishNamespace; }
MessageType type(const PublishNamespaceDone&) { return MessageType::kPublishNamespaceDone; }
MessageType type(const PublishNamespaceCancel&) { return MessageType::kPublishNamespaceCancel; }
MessageType type(const SubscribeNamespace&) { return MessageType::kSubscribeNamespace; }
MessageType type(const UnsubscribeNamespace&) { return MessageType::kUnsubscribeNamespace; }
MessageType type(const Setup&) { return MessageType::kSetup; }
MessageType type(const SubscribeTracks&) { return MessageType::kSubscribeTracks; }
MessageType type(const Namespace&) { return MessageType::kNamespace; }
MessageType type(const NamespaceDone&) { return MessageType::kNamespaceDone; }
MessageType type(const PublishSkipped&) { return MessageType::kPublishSkipped; }
MessageType type(const PublishStateNotify&) { return MessageType::kPublishStateNotify; }

}  // namespace

MessageType type_of(const MessageBody& body) noexcept {
  return std::visit([](const auto& alternative) { return type(alternative); }, body);
}

base::Decoded<DecodedControlMessage> decode_control_message(Draft draft, base::Bytes bytes) {
  return codec_for(draft).decode_control_message(bytes);
}

EncodeResult encode_control_message(Draft draft, const ControlMessage& message, base::ByteVector& out) {
  return codec_for(draft).encode_control_message(message, out);
}

}  // namespace msquic_py::moqt::wire
