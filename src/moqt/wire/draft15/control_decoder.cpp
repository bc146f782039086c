#include <optional>

#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/payload_reader.h"
#include "moqt/wire/draft15/request_id.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

void read(PayloadReader& in, ClientSetup& m) { m.parameters = in.setup_parameters(MessageType::kClientSetup); }
void read(PayloadReader& in, ServerSetup& m) { m.parameters = in.setup_parameters(MessageType::kServerSetup); }

void read(PayloadReader& in, Goaway& m) {
  const std::uint64_t length = in.varint();
  // [d15 §9.4-4]
  if (!in.failed() && length > kMaxNewSessionUriLength)
    in.fail(protocol_violation("New Session URI longer than 8192 bytes (section 9.4)"));
  m.new_session_uri = std::string(base::as_text(in.bytes(length)));
}

void read(PayloadReader& in, MaxRequestId& m) { m.max_request_id = in.varint(); }
void read(PayloadReader& in, RequestsBlocked& m) { m.maximum_request_id = in.varint(); }

void read(PayloadReader& in, RequestOk& m) { m.parameters = in.message_parameters(MessageType::kRequestOk); }

void read(PayloadReader& in, RequestError& m) {
  m.error_code = static_cast<RequestErrorCode>(in.varint());
  m.error_reason = in.reason_phrase();
}

void read(PayloadReader& in, Subscribe& m) {
  m.track = in.full_track_name();
  m.parameters = in.message_parameters(MessageType::kSubscribe);
}

void read(PayloadReader& in, SubscribeOk& m) {
  m.track_alias = in.varint();
  m.parameters = in.message_parameters(MessageType::kSubscribeOk);
}

void read(PayloadReader& in, SubscribeUpdate& m) {
  m.subscription.id = in.varint();
  m.parameters = in.message_parameters(MessageType::kSubscribeUpdate);
}

void read(PayloadReader&, Unsubscribe&) {}

void read(PayloadReader& in, TrackStatus& m) {
  m.track = in.full_track_name();
  m.parameters = in.message_parameters(MessageType::kTrackStatus);
}

void read(PayloadReader& in, Publish& m) {
  m.track = in.full_track_name();
  m.track_alias = in.varint();
  m.parameters = in.message_parameters(MessageType::kPublish);
}

void read(PayloadReader& in, PublishOk& m) { m.parameters = in.message_parameters(MessageType::kPublishOk); }

void read(PayloadReader& in, PublishDone& m) {
  m.status_code = static_cast<PublishDoneCode>(in.varint());
  m.stream_count = in.varint();
  m.error_reason = in.reason_phrase();
}

void read(PayloadReader& in, Fetch& m) {
  const std::uint64_t type = in.varint();
  switch (type) {
    case 0x1: {
      StandaloneFetch standalone;
      standalone.track = in.full_track_name();
      standalone.start = in.location();
      standalone.end = in.location();
      m.range = std::move(standalone);
      break;
    }
    case 0x2:
    case 0x3: {
      JoiningFetch joining;
      joining.relative = type == 0x2;
      joining.joined.id = in.varint();
      joining.joining_start = in.varint();
      m.range = joining;
      break;
    }
    default: in.fail(protocol_violation("unknown Fetch Type (section 9.16)"));  // [d15 §9.16-1]
  }
  m.parameters = in.message_parameters(MessageType::kFetch);
}

void read(PayloadReader& in, FetchOk& m) {
  const std::uint8_t end_of_track = in.byte();
  if (end_of_track > 1) in.fail(protocol_violation("End Of Track is neither 0 nor 1 (section 9.17)"));
  m.end_of_track = end_of_track == 1;
  m.end_location = in.location();
  m.parameters = in.message_parameters(MessageType::kFetchOk);
}

void read(PayloadReader&, FetchCancel&) {}

void read(PayloadReader& in, PublishNamespace& m) {
  m.track_namespace = in.track_namespace();
  m.parameters = in.message_parameters(MessageType::kPublishNamespace);
}

void read(PayloadReader& in, PublishNamespaceDone& m) { m.track_namespace = in.track_namespace(); }

void read(PayloadReader& in, PublishNamespaceCancel& m) {
  m.track_namespace = in.track_namespace();
  m.error_code = static_cast<RequestErrorCode>(in.varint());
  m.error_reason = in.reason_phrase();
}

void read(PayloadReader& in, SubscribeNamespace& m) {
  m.track_namespace_prefix = in.track_namespace();
  m.parameters = in.message_parameters(MessageType::kSubscribeNamespace);
}

void read(PayloadReader&, UnsubscribeNamespace&) {}

/// An empty message of that type; nothing for a number that is none.
std::optional<MessageBody> empty_body(std::uint64_t type) {
  switch (static_cast<MessageType>(type)) {
    case MessageType::kClientSetup: return ClientSetup{};
    case MessageType::kServerSetup: return ServerSetup{};
    case MessageType::kGoaway: return Goaway{};
    case MessageType::kMaxRequestId: return MaxRequestId{};
    case MessageType::kRequestsBlocked: return RequestsBlocked{};
    case MessageType::kRequestOk: return RequestOk{};
    case MessageType::kRequestError: return RequestError{};
    case MessageType::kSubscribe: return Subscribe{};
    case MessageType::kSubscribeOk: return SubscribeOk{};
    case MessageType::kSubscribeUpdate: return SubscribeUpdate{};
    case MessageType::kUnsubscribe: return Unsubscribe{};
    case MessageType::kTrackStatus: return TrackStatus{};
    case MessageType::kPublish: return Publish{};
    case MessageType::kPublishOk: return PublishOk{};
    case MessageType::kPublishDone: return PublishDone{};
    case MessageType::kFetch: return Fetch{};
    case MessageType::kFetchOk: return FetchOk{};
    case MessageType::kFetchCancel: return FetchCancel{};
    case MessageType::kPublishNamespace: return PublishNamespace{};
    case MessageType::kPublishNamespaceDone: return PublishNamespaceDone{};
    case MessageType::kPublishNamespaceCancel: return PublishNamespaceCancel{};
    case MessageType::kSubscribeNamespace: return SubscribeNamespace{};
    case MessageType::kUnsubscribeNamespace: return UnsubscribeNamespace{};
  }
  return std::nullopt;
}

}  // namespace

base::Decoded<DecodedControlMessage> decode_control_message(base::Bytes bytes) {
  base::ByteReader reader(bytes);
  const auto type = reader.read_varint();
  if (!type) return base::NeedMore{};
  auto body = empty_body(*type);
  if (!body) return protocol_violation("unknown control message type (section 9)");  // [d15 §9-1]
  const auto length = reader.read_u16();
  if (!length) return base::NeedMore{};
  const auto payload = reader.read_bytes(*length);
  if (!payload) return base::NeedMore{};

  PayloadReader in(*payload);
  DecodedControlMessage decoded{{{}, std::move(*body)}, reader.position()};
  std::visit(
      [&]<class Body>(Body& fields) {
        if constexpr (kHasRequestId<Body>) decoded.message.request.id = in.varint();
        read(in, fields);
      },
      decoded.message.body);
  if (const auto violation = in.finish()) return *violation;
  return decoded;
}

}  // namespace msquic_py::moqt::wire::draft15
