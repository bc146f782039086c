#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/payload_writer.h"
#include "moqt/wire/draft15/request_id.h"
#include "moqt/wire/message_fields.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::size_t kMaxPayload = 65535;

/// One overload for every type that a field of a message has.
struct FieldWriter {
  PayloadWriter& out;
  MessageType message;

  void write(const std::uint64_t& value) const { out.varint(value); }
  void write(const bool& value) const { out.byte(value ? 1 : 0); }
  void write(const RequestErrorCode& value) const { out.varint(static_cast<std::uint64_t>(value)); }
  void write(const PublishDoneCode& value) const { out.varint(static_cast<std::uint64_t>(value)); }
  void write(const RequestReference& value) const { out.varint(value.id); }
  void write(const Location& value) const { out.location(value); }
  void write(const TrackNamespace& value) const { out.track_namespace(value); }
  void write(const FullTrackName& value) const { out.full_track_name(value); }
  void write(const ParameterList& value) const { out.parameters(message, value); }
  void write(const std::string& value) const {
    if (message == MessageType::kGoaway) return out.new_session_uri(value);
    out.reason_phrase(value);
  }
  void write(const std::variant<StandaloneFetch, JoiningFetch>& range) const {
    if (const auto* standalone = std::get_if<StandaloneFetch>(&range)) {
      out.varint(static_cast<std::uint64_t>(FetchType::kStandalone));
      out.full_track_name(standalone->track);
      out.location(standalone->start);
      out.location(standalone->end);
    } else if (const auto* joining = std::get_if<JoiningFetch>(&range)) {
      out.varint(
          static_cast<std::uint64_t>(joining->relative ? FetchType::kRelativeJoining : FetchType::kAbsoluteJoining));
      out.varint(joining->joined.id);
      out.varint(joining->joining_start);
    }
  }
};

}  // namespace

EncodeResult encode_control_message(const ControlMessage& message, base::ByteVector& out) {
  const std::size_t start = out.size();
  const MessageType type = type_of(message.body);
  base::ByteWriter framing(out);
  framing.write_varint(static_cast<std::uint64_t>(type));
  const std::size_t length_at = out.size();
  framing.write_u16(0);

  PayloadWriter payload(out);
  std::visit(
      [&]<class Body>(const Body& body) {
        if constexpr (kHasRequestId<Body>) payload.varint(message.request.id);
        for_each_field(body, [&](const char*, const auto& field) { FieldWriter{payload, type}.write(field); });
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
