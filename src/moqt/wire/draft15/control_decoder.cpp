#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/payload_reader.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

Goaway read_goaway(PayloadReader& in) {
  const std::uint64_t length = in.varint();
  // [d15 §9.4-4]
  if (!in.failed() && length > kMaxNewSessionUriLength)
    in.fail(protocol_violation("New Session URI longer than 8192 bytes (section 9.4)"));
  return {std::string(base::as_text(in.bytes(length)))};
}

RequestError read_request_error(PayloadReader& in) {
  RequestError message;
  message.request_id = in.varint();
  message.error_code = static_cast<RequestErrorCode>(in.varint());
  message.error_reason = in.reason_phrase();
  return message;
}

/// SUBSCRIBE and TRACK_STATUS.
template <class Message>
Message read_track_request(PayloadReader& in, MessageType type) {
  Message message;
  message.request_id = in.varint();
  message.track = in.full_track_name();
  message.parameters = in.message_parameters(type);
  return message;
}

/// REQUEST_OK and PUBLISH_OK.
template <class Message>
Message read_ok(PayloadReader& in, MessageType type) {
  Message message;
  message.request_id = in.varint();
  message.parameters = in.message_parameters(type);
  return message;
}

SubscribeOk read_subscribe_ok(PayloadReader& in) {
  SubscribeOk message;
  message.request_id = in.varint();
  message.track_alias = in.varint();
  message.parameters = in.message_parameters(MessageType::kSubscribeOk);
  return message;
}

SubscribeUpdate read_subscribe_update(PayloadReader& in) {
  SubscribeUpdate message;
  message.request_id = in.varint();
  message.subscription_request_id = in.varint();
  message.parameters = in.message_parameters(MessageType::kSubscribeUpdate);
  return message;
}

Publish read_publish(PayloadReader& in) {
  Publish message;
  message.request_id = in.varint();
  message.track = in.full_track_name();
  message.track_alias = in.varint();
  message.parameters = in.message_parameters(MessageType::kPublish);
  return message;
}

PublishDone read_publish_done(PayloadReader& in) {
  PublishDone message;
  message.request_id = in.varint();
  message.status_code = static_cast<PublishDoneCode>(in.varint());
  message.stream_count = in.varint();
  message.error_reason = in.reason_phrase();
  return message;
}

Fetch read_fetch(PayloadReader& in) {
  Fetch message;
  message.request_id = in.varint();
  const std::uint64_t type = in.varint();
  switch (type) {
    case 0x1: {
      StandaloneFetch standalone;
      standalone.track = in.full_track_name();
      standalone.start = in.location();
      standalone.end = in.location();
      message.range = std::move(standalone);
      break;
    }
    case 0x2:
    case 0x3: {
      JoiningFetch joining;
      joining.relative = type == 0x2;
      joining.joining_request_id = in.varint();
      joining.joining_start = in.varint();
      message.range = joining;
      break;
    }
    default: in.fail(protocol_violation("unknown Fetch Type (section 9.16)"));  // [d15 §9.16-1]
  }
  message.parameters = in.message_parameters(MessageType::kFetch);
  return message;
}

FetchOk read_fetch_ok(PayloadReader& in) {
  FetchOk message;
  message.request_id = in.varint();
  const std::uint8_t end_of_track = in.byte();
  if (end_of_track > 1) in.fail(protocol_violation("End Of Track is neither 0 nor 1 (section 9.17)"));
  message.end_of_track = end_of_track == 1;
  message.end_location = in.location();
  message.parameters = in.message_parameters(MessageType::kFetchOk);
  return message;
}

PublishNamespaceCancel read_publish_namespace_cancel(PayloadReader& in) {
  PublishNamespaceCancel message;
  message.track_namespace = in.track_namespace();
  message.error_code = static_cast<RequestErrorCode>(in.varint());
  message.error_reason = in.reason_phrase();
  return message;
}

PublishNamespace read_publish_namespace(PayloadReader& in) {
  PublishNamespace message;
  message.request_id = in.varint();
  message.track_namespace = in.track_namespace();
  message.parameters = in.message_parameters(MessageType::kPublishNamespace);
  return message;
}

SubscribeNamespace read_subscribe_namespace(PayloadReader& in) {
  SubscribeNamespace message;
  message.request_id = in.varint();
  message.track_namespace_prefix = in.track_namespace();
  message.parameters = in.message_parameters(MessageType::kSubscribeNamespace);
  return message;
}

bool known(std::uint64_t type) noexcept { return type <= 0x21 && name(static_cast<MessageType>(type)) != "UNKNOWN"; }

ControlMessage read_message(PayloadReader& in, MessageType type) {
  switch (type) {
    case MessageType::kClientSetup: return ClientSetup{in.setup_parameters(type)};
    case MessageType::kServerSetup: return ServerSetup{in.setup_parameters(type)};
    case MessageType::kGoaway: return read_goaway(in);
    case MessageType::kMaxRequestId: return MaxRequestId{in.varint()};
    case MessageType::kRequestsBlocked: return RequestsBlocked{in.varint()};
    case MessageType::kRequestOk: return read_ok<RequestOk>(in, type);
    case MessageType::kRequestError: return read_request_error(in);
    case MessageType::kSubscribe: return read_track_request<Subscribe>(in, type);
    case MessageType::kSubscribeOk: return read_subscribe_ok(in);
    case MessageType::kSubscribeUpdate: return read_subscribe_update(in);
    case MessageType::kUnsubscribe: return Unsubscribe{in.varint()};
    case MessageType::kTrackStatus: return read_track_request<TrackStatus>(in, type);
    case MessageType::kPublish: return read_publish(in);
    case MessageType::kPublishOk: return read_ok<PublishOk>(in, type);
    case MessageType::kPublishDone: return read_publish_done(in);
    case MessageType::kFetch: return read_fetch(in);
    case MessageType::kFetchOk: return read_fetch_ok(in);
    case MessageType::kFetchCancel: return FetchCancel{in.varint()};
    case MessageType::kPublishNamespace: return read_publish_namespace(in);
    case MessageType::kPublishNamespaceDone: return PublishNamespaceDone{in.track_namespace()};
    case MessageType::kPublishNamespaceCancel: return read_publish_namespace_cancel(in);
    case MessageType::kSubscribeNamespace: return read_subscribe_namespace(in);
    case MessageType::kUnsubscribeNamespace: return UnsubscribeNamespace{in.varint()};
  }
  in.fail(protocol_violation("unknown control message type (section 9)"));
  return {};
}

}  // namespace

base::Decoded<DecodedControlMessage> decode_control_message(base::Bytes bytes) {
  base::ByteReader reader(bytes);
  const auto type = reader.read_varint();
  if (!type) return base::NeedMore{};
  if (!known(*type)) return protocol_violation("unknown control message type (section 9)");  // [d15 §9-1]
  const auto length = reader.read_u16();
  if (!length) return base::NeedMore{};
  const auto payload = reader.read_bytes(*length);
  if (!payload) return base::NeedMore{};

  PayloadReader in(*payload);
  ControlMessage message = read_message(in, static_cast<MessageType>(*type));
  if (const auto violation = in.finish()) return *violation;
  return DecodedControlMessage{std::move(message), reader.position()};
}

}  // namespace msquic_py::moqt::wire::draft15
