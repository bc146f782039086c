#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/payload_writer.h"
#include "moqt/wire/draft15/request_id.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::size_t kMaxPayload = 65535;

void write(PayloadWriter& out, const ClientSetup& m) { out.parameters(MessageType::kClientSetup, m.parameters); }
void write(PayloadWriter& out, const ServerSetup& m) { out.parameters(MessageType::kServerSetup, m.parameters); }

void write(PayloadWriter& out, const Goaway& m) {
  if (m.new_session_uri.size() > kMaxNewSessionUriLength) return out.fail(EncodeError::kNewSessionUriTooLong);
  out.varint(m.new_session_uri.size());
  out.bytes(base::as_bytes(m.new_session_uri));
}

void write(PayloadWriter& out, const MaxRequestId& m) { out.varint(m.max_request_id); }
void write(PayloadWriter& out, const RequestsBlocked& m) { out.varint(m.maximum_request_id); }

void write(PayloadWriter& out, const RequestOk& m) { out.parameters(MessageType::kRequestOk, m.parameters); }

void write(PayloadWriter& out, const RequestError& m) {
  out.varint(static_cast<std::uint64_t>(m.error_code));
  out.reason_phrase(m.error_reason);
}

void write(PayloadWriter& out, const Subscribe& m) {
  out.full_track_name(m.track);
  out.parameters(MessageType::kSubscribe, m.parameters);
}

void write(PayloadWriter& out, const SubscribeOk& m) {
  out.varint(m.track_alias);
  out.parameters(MessageType::kSubscribeOk, m.parameters);
}

void write(PayloadWriter& out, const SubscribeUpdate& m) {
  out.varint(m.subscription.id);
  out.parameters(MessageType::kSubscribeUpdate, m.parameters);
}

void write(PayloadWriter&, const Unsubscribe&) {}

void write(PayloadWriter& out, const TrackStatus& m) {
  out.full_track_name(m.track);
  out.parameters(MessageType::kTrackStatus, m.parameters);
}

void write(PayloadWriter& out, const Publish& m) {
  out.full_track_name(m.track);
  out.varint(m.track_alias);
  out.parameters(MessageType::kPublish, m.parameters);
}

void write(PayloadWriter& out, const PublishOk& m) { out.parameters(MessageType::kPublishOk, m.parameters); }

void write(PayloadWriter& out, const PublishDone& m) {
  out.varint(static_cast<std::uint64_t>(m.status_code));
  out.varint(m.stream_count);
  out.reason_phrase(m.error_reason);
}

void write(PayloadWriter& out, const Fetch& m) {
  out.varint(static_cast<std::uint64_t>(m.fetch_type()));
  if (const auto* standalone = std::get_if<StandaloneFetch>(&m.range)) {
    out.full_track_name(standalone->track);
    out.location(standalone->start);
    out.location(standalone->end);
  } else if (const auto* joining = std::get_if<JoiningFetch>(&m.range)) {
    out.varint(joining->joined.id);
    out.varint(joining->joining_start);
  }
  out.parameters(MessageType::kFetch, m.parameters);
}

void write(PayloadWriter& out, const FetchOk& m) {
  out.byte(m.end_of_track ? 1 : 0);
  out.location(m.end_location);
  out.parameters(MessageType::kFetchOk, m.parameters);
}

void write(PayloadWriter&, const FetchCancel&) {}

void write(PayloadWriter& out, const PublishNamespace& m) {
  out.track_namespace(m.track_namespace);
  out.parameters(MessageType::kPublishNamespace, m.parameters);
}

void write(PayloadWriter& out, const PublishNamespaceDone& m) { out.track_namespace(m.track_namespace); }

void write(PayloadWriter& out, const PublishNamespaceCancel& m) {
  out.track_namespace(m.track_namespace);
  out.varint(static_cast<std::uint64_t>(m.error_code));
  out.reason_phrase(m.error_reason);
}

void write(PayloadWriter& out, const SubscribeNamespace& m) {
  out.track_namespace(m.track_namespace_prefix);
  out.parameters(MessageType::kSubscribeNamespace, m.parameters);
}

void write(PayloadWriter&, const UnsubscribeNamespace&) {}

}  // namespace

EncodeResult encode_control_message(const ControlMessage& message, base::ByteVector& out) {
  const std::size_t start = out.size();
  base::ByteWriter framing(out);
  framing.write_varint(static_cast<std::uint64_t>(type_of(message.body)));
  const std::size_t length_at = out.size();
  framing.write_u16(0);

  PayloadWriter payload(out);
  std::visit(
      [&]<class Body>(const Body& body) {
        if constexpr (kHasRequestId<Body>) payload.varint(message.request.id);
        write(payload, body);
      },
      message.body);
  const std::size_t length = out.size() - length_at - 2;
  if (length > kMaxPayload) payload.fail(EncodeError::kPayloadTooLong);
  if (payload.failed()) {
    out.resize(start);
    return base::Failure{payload.error()};
  }
  framing.patch_u16(length_at, static_cast<std::uint16_t>(length));
  return {};
}

}  // namespace msquic_py::moqt::wire::draft15
