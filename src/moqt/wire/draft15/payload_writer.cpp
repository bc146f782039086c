#include "moqt/wire/draft15/payload_writer.h"

#include "base/varint.h"
#include "moqt/wire/draft15/parameter_codec.h"
#include "moqt/wire/request.h"
#include "moqt/wire/setup.h"

namespace msquic_py::moqt::wire::draft15 {

void PayloadWriter::fail(EncodeError error) noexcept {
  if (!error_) error_ = error;
}

void PayloadWriter::varint(std::uint64_t value) {  // [d15 §1.4-1]
  if (value > base::kVarintMax) fail(EncodeError::kNumberTooLarge);
  if (!failed()) writer_.write_varint(value);
}

void PayloadWriter::byte(std::uint8_t value) {
  if (!failed()) writer_.write_u8(value);
}

void PayloadWriter::bytes(base::Bytes value) {
  if (!failed()) writer_.write_bytes(value);
}

void PayloadWriter::location(const Location& location) {
  varint(location.group);
  varint(location.object);
}

void PayloadWriter::track_namespace(const TrackNamespace& track_namespace) {
  const std::size_t count = track_namespace.field_count();
  if (count == 0 || count > kMaxNamespaceFields) return fail(EncodeError::kNamespaceFieldCount);
  if (track_namespace.length() > kMaxFullTrackNameLength) return fail(EncodeError::kTrackNameTooLong);
  varint(count);
  for (const auto& field : track_namespace.fields()) {
    varint(field.size());
    bytes(field);
  }
}

void PayloadWriter::full_track_name(const FullTrackName& track) {
  track_namespace(track.track_namespace);
  if (track.length() > kMaxFullTrackNameLength) return fail(EncodeError::kTrackNameTooLong);
  varint(track.track_name.size());
  bytes(track.track_name);
}

void PayloadWriter::reason_phrase(std::string_view text) {
  if (text.size() > kMaxReasonPhraseLength) return fail(EncodeError::kReasonPhraseTooLong);
  varint(text.size());
  bytes(base::as_bytes(text));
}

void PayloadWriter::new_session_uri(std::string_view uri) {
  if (uri.size() > kMaxNewSessionUriLength) return fail(EncodeError::kNewSessionUriTooLong);
  varint(uri.size());
  bytes(base::as_bytes(uri));
}

void PayloadWriter::parameters(MessageType message, const ParameterList& parameters) {
  encode_parameters(*this, message, parameters);
}

}  // namespace msquic_py::moqt::wire::draft15
