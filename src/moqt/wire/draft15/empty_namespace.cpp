#include "moqt/wire/draft15/empty_namespace.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "moqt/wire/draft15/codec.h"

namespace msquic_py::moqt::wire::draft15 {

std::optional<DecodedControlMessage> decode_empty_namespace(base::Bytes bytes) {
  base::ByteReader reader(bytes);
  const auto type = reader.read_varint();
  const auto length = type ? reader.read_u16() : std::nullopt;
  const auto payload = length ? reader.read_bytes(*length) : std::nullopt;
  if (!payload || *length == 0xFFFF) return std::nullopt;
  const auto message_type = static_cast<MessageType>(*type);
  const bool done = message_type == MessageType::kPublishNamespaceDone;
  if (!done && message_type != MessageType::kSubscribeNamespace && message_type != MessageType::kPublishNamespace) {
    return std::nullopt;
  }
  base::ByteReader fields(*payload);
  if (!done && !fields.read_varint()) return std::nullopt;  // Request ID
  const std::size_t before = fields.position();
  if (fields.read_varint() != 0) return std::nullopt;

  // The same message with one empty field instead of none is valid; decode that, then take the field out.
  base::ByteVector stand_in;
  base::ByteWriter writer(stand_in);
  writer.write_varint(*type);
  const std::size_t length_at = writer.size();
  writer.write_u16(0);
  writer.write_bytes(payload->first(before));
  writer.write_varint(1);
  writer.write_varint(0);
  writer.write_bytes(fields.rest());
  writer.patch_u16(length_at, static_cast<std::uint16_t>(writer.size() - length_at - 2));
  auto decoded = kCodec.decode_control_message(stand_in);
  if (!decoded.ok()) return std::nullopt;
  if (auto* subscribe = std::get_if<SubscribeNamespace>(&decoded->message.body)) subscribe->track_namespace_prefix = {};
  if (auto* publish = std::get_if<PublishNamespace>(&decoded->message.body)) publish->track_namespace = {};
  if (auto* withdrawn = std::get_if<PublishNamespaceDone>(&decoded->message.body)) withdrawn->track_namespace = {};
  decoded->size = reader.position();
  return std::move(*decoded);
}

}  // namespace msquic_py::moqt::wire::draft15
