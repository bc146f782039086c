#include <optional>

#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/payload_reader.h"
#include "moqt/wire/draft15/request_id.h"
#include "moqt/wire/message_fields.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

/// One overload for every type that a field of a message has.
struct FieldReader {
  PayloadReader& in;
  MessageType message;

  void read(std::uint64_t& value) const { value = in.varint(); }
  void read(bool& value) const {
    const std::uint8_t flag = in.byte();
    if (flag > 1) in.fail(protocol_violation("End Of Track is neither 0 nor 1 (section 9.17)"));
    value = flag == 1;
  }
  void read(RequestErrorCode& value) const { value = static_cast<RequestErrorCode>(in.varint()); }
  void read(PublishDoneCode& value) const { value = static_cast<PublishDoneCode>(in.varint()); }
  void read(RequestReference& value) const { value.id = in.varint(); }
  void read(Location& value) const { value = in.location(); }
  void read(TrackNamespace& value) const { value = in.track_namespace(); }
  void read(FullTrackName& value) const { value = in.full_track_name(); }
  void read(MessageParameters& value) const { value = in.message_parameters(message); }
  void read(SetupParameters& value) const { value = in.setup_parameters(message); }
  void read(std::string& value) const {
    value = message == MessageType::kGoaway ? in.new_session_uri() : in.reason_phrase();
  }
  void read(std::variant<StandaloneFetch, JoiningFetch>& range) const {
    const std::uint64_t type = in.varint();
    switch (type) {
      case 0x1: {
        StandaloneFetch& standalone = range.emplace<StandaloneFetch>();
        standalone.track = in.full_track_name();
        standalone.start = in.location();
        standalone.end = in.location();
        break;
      }
      case 0x2:
      case 0x3: {
        JoiningFetch& joining = range.emplace<JoiningFetch>();
        joining.relative = type == 0x2;
        joining.joined.id = in.varint();
        joining.joining_start = in.varint();
        break;
      }
      default: in.fail(protocol_violation("unknown Fetch Type (section 9.16)"));  // [d15 §9.16-1]
    }
  }
};

/// An empty message of that type; nothing for a number that is none.
template <std::size_t Index = 0>
std::optional<MessageBody> empty_body(std::uint64_t type) {
  if constexpr (Index == std::variant_size_v<MessageBody>) {
    return std::nullopt;
  } else {
    MessageBody body(std::in_place_index<Index>);
    if (static_cast<std::uint64_t>(type_of(body)) == type) return body;
    return empty_body<Index + 1>(type);
  }
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
        const FieldReader payload_fields{in, static_cast<MessageType>(*type)};
        for_each_field(fields, [&](const char*, auto& field) { payload_fields.read(field); });
      },
      decoded.message.body);
  if (const auto violation = in.finish()) return *violation;
  return decoded;
}

}  // namespace msquic_py::moqt::wire::draft15
