#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/decoded.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/wire/cited.h"
#include "moqt/wire/integers/integer_cursor.h"
#include "moqt/wire/request.h"
#include "moqt/wire/setup.h"

namespace msquic_py::moqt::wire {

/// Reads the fields of one complete control message payload of a draft. The first violation is kept, and every later
/// read gives an empty value, so that a message is read field by field without a check after each.
template <class Traits>
class PayloadReader {
 public:
  using Sections = typename Traits::Sections;

  explicit PayloadReader(base::Bytes payload) noexcept : cursor_(payload) {}

  std::uint64_t integer() {
    std::uint64_t value = 0;
    if (!failed() && !cursor_.read(value)) fail(kTooShort);
    return value;
  }
  std::uint8_t byte() {
    std::uint8_t value = 0;
    if (!failed() && !cursor_.read_byte(value)) fail(kTooShort);
    return value;
  }
  base::Bytes bytes(std::uint64_t count) {
    if (!failed() && count > cursor_.remaining()) fail(kTooShort);
    if (failed()) return {};
    const base::Bytes value = cursor_.rest().first(static_cast<std::size_t>(count));
    cursor_.skip(count);
    return value;
  }
  Location location() {
    Location location;
    location.group = integer();
    location.object = integer();
    return location;
  }
  /// A namespace of a track, or the prefix or suffix of one, which may have fewer fields.
  TrackNamespace track_namespace(std::size_t fewest_fields = Traits::kFewestNamespaceFields);
  FullTrackName full_track_name();
  std::string reason_phrase() {
    const std::uint64_t length = integer();
    if (!failed() && length > kMaxReasonPhraseLength) {  // [d15 §1.4.3-1]
      fail(kViolates<"reason phrase longer than 1024 bytes", Sections::kReasonPhrase>);
    }
    return std::string(base::as_text(bytes(length)));
  }
  std::string new_session_uri() {
    const std::uint64_t length = integer();
    // [d15 §9.4-4]
    if (!failed() && length > kMaxNewSessionUriLength) {
      fail(kViolates<"New Session URI longer than 8192 bytes", Sections::kGoaway>);
    }
    return std::string(base::as_text(bytes(length)));
  }

  void fail(const base::Violation& violation) noexcept {
    if (!violation_) violation_ = violation;
  }
  [[nodiscard]] bool failed() const noexcept { return violation_.has_value(); }
  [[nodiscard]] std::size_t remaining() const noexcept { return failed() ? 0 : cursor_.remaining(); }
  [[nodiscard]] const std::optional<base::Violation>& violation() const noexcept { return violation_; }
  /// Call last: the violation, which leftover bytes are too.
  [[nodiscard]] std::optional<base::Violation> finish() {  // [d15 §9-2]
    if (!failed() && cursor_.remaining() > 0) {
      fail(kViolates<"control message payload is longer than its fields", Sections::kMessages>);
    }
    return violation_;
  }

 private:
  static constexpr base::Violation kTooShort =
      kViolates<"control message payload ends inside a field", Sections::kMessages>;

  IntegerCursor<typename Traits::Integers> cursor_;
  std::optional<base::Violation> violation_;
};

template <class Traits>
TrackNamespace PayloadReader<Traits>::track_namespace(std::size_t fewest_fields) {
  const std::uint64_t count = integer();
  if (failed()) return {};
  if (count < fewest_fields || count > kMaxNamespaceFields) {  // [d15 §2.4.1-1, §9.23-1]
    if constexpr (Traits::kFewestNamespaceFields == 1) {
      fail(kViolates<"track namespace without 1 to 32 fields", Sections::kTrackNaming>);
    } else {
      fail(kViolates<"track namespace of more than 32 fields", Sections::kTrackNaming>);
    }
    return {};
  }
  std::vector<base::ByteVector> fields;
  fields.reserve(static_cast<std::size_t>(count));
  std::size_t length = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const base::Bytes field = bytes(integer());
    if (failed()) return {};
    if (!Traits::kEmptyNamespaceFields && field.empty()) {
      fail(kViolates<"track namespace field without a byte", Sections::kTrackNaming>);
      return {};
    }
    length += field.size();
    fields.emplace_back(field.begin(), field.end());
  }
  if (length > kMaxFullTrackNameLength)
    fail(kViolates<"track namespace longer than 4096 bytes", Sections::kTrackNaming>);
  return TrackNamespace(std::move(fields));
}

template <class Traits>
FullTrackName PayloadReader<Traits>::full_track_name() {
  FullTrackName track;
  track.track_namespace = track_namespace();
  const base::Bytes track_name = bytes(integer());
  track.track_name.assign(track_name.begin(), track_name.end());
  if (!failed() && track.length() > kMaxFullTrackNameLength) {  // [d15 §2.4.1-2]
    fail(kViolates<"full track name longer than 4096 bytes", Sections::kTrackNaming>);
  }
  return track;
}

}  // namespace msquic_py::moqt::wire
