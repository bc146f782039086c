#include "moqt/wire/draft15/payload_reader.h"

#include "moqt/wire/draft15/parameter_codec.h"
#include "moqt/wire/request.h"
#include "moqt/wire/setup.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {
constexpr const char* kTooShort = "control message payload ends inside a field (section 9)";
}

void PayloadReader::fail(const base::Violation& violation) noexcept {
  if (!violation_) violation_ = violation;
}

std::uint64_t PayloadReader::varint() {
  if (failed()) return 0;
  const auto value = reader_.read_varint();
  if (!value) fail(protocol_violation(kTooShort));
  return value.value_or(0);
}

std::uint8_t PayloadReader::byte() {
  if (failed()) return 0;
  const auto value = reader_.read_u8();
  if (!value) fail(protocol_violation(kTooShort));
  return value.value_or(0);
}

base::Bytes PayloadReader::bytes(std::uint64_t count) {
  if (failed()) return {};
  const auto value = reader_.read_bytes(count);
  if (!value) fail(protocol_violation(kTooShort));
  return value.value_or(base::Bytes{});
}

Location PayloadReader::location() {
  Location location;
  location.group = varint();
  location.object = varint();
  return location;
}

TrackNamespace PayloadReader::track_namespace() {
  const std::uint64_t count = varint();
  if (failed()) return {};
  if (count == 0 || count > kMaxNamespaceFields) {  // [d15 §2.4.1-1, §9.23-1]
    fail(protocol_violation("track namespace without 1 to 32 fields (section 2.4.1)"));
    return {};
  }
  std::vector<base::ByteVector> fields;
  fields.reserve(static_cast<std::size_t>(count));
  std::size_t length = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const base::Bytes field = bytes(varint());
    if (failed()) return {};
    length += field.size();
    fields.emplace_back(field.begin(), field.end());
  }
  if (length > kMaxFullTrackNameLength)
    fail(protocol_violation("track namespace longer than 4096 bytes (section 2.4.1)"));
  return TrackNamespace(std::move(fields));
}

FullTrackName PayloadReader::full_track_name() {
  FullTrackName track;
  track.track_namespace = track_namespace();
  const base::Bytes track_name = bytes(varint());
  track.track_name.assign(track_name.begin(), track_name.end());
  if (!failed() && track.length() > kMaxFullTrackNameLength) {  // [d15 §2.4.1-2]
    fail(protocol_violation("full track name longer than 4096 bytes (section 2.4.1)"));
  }
  return track;
}

std::string PayloadReader::reason_phrase() {
  const std::uint64_t length = varint();
  if (!failed() && length > kMaxReasonPhraseLength) {  // [d15 §1.4.3-1]
    fail(protocol_violation("reason phrase longer than 1024 bytes (section 1.4.3)"));
  }
  return std::string(base::as_text(bytes(length)));
}

std::string PayloadReader::new_session_uri() {
  const std::uint64_t length = varint();
  // [d15 §9.4-4]
  if (!failed() && length > kMaxNewSessionUriLength) {
    fail(protocol_violation("New Session URI longer than 8192 bytes (section 9.4)"));
  }
  return std::string(base::as_text(bytes(length)));
}

SetupParameters PayloadReader::setup_parameters(MessageType message) {
  SetupParameters parameters;
  decode_parameters(*this, message, parameters);
  return parameters;
}

MessageParameters PayloadReader::message_parameters(MessageType message) {
  MessageParameters parameters;
  decode_parameters(*this, message, parameters);
  return parameters;
}

std::optional<base::Violation> PayloadReader::finish() {  // [d15 §9-2]
  if (!failed() && !reader_.at_end())
    fail(protocol_violation("control message payload is longer than its fields (section 9)"));
  return violation_;
}

}  // namespace msquic_py::moqt::wire::draft15
