#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/wire/encode_error.h"
#include "moqt/wire/integers/header_scratch.h"
#include "moqt/wire/request.h"
#include "moqt/wire/setup.h"

namespace msquic_py::moqt::wire {

/// The mirror of PayloadReader: the first error is kept, and later writes do nothing.
template <class Traits>
class PayloadWriter {
 public:
  explicit PayloadWriter(base::ByteVector& out) noexcept : out_(out) {}

  void integer(std::uint64_t value) {  // [d15 §1.4-1]
    if (!all_fit<Integers>(value)) fail(EncodeError::kNumberTooLarge);
    if (failed()) return;
    std::uint8_t encoded[9];
    const std::size_t size = Integers::encode(value, encoded);
    out_.insert(out_.end(), encoded, encoded + size);
  }
  void byte(std::uint8_t value) {
    if (!failed()) out_.push_back(value);
  }
  void bytes(base::Bytes value) {
    if (!failed()) out_.insert(out_.end(), value.begin(), value.end());
  }
  void location(const Location& location) {
    integer(location.group);
    integer(location.object);
  }
  void track_namespace(const TrackNamespace& track_namespace,
                       std::size_t fewest_fields = Traits::kFewestNamespaceFields) {
    const std::size_t count = track_namespace.field_count();
    if (count < fewest_fields || count > kMaxNamespaceFields) return fail(EncodeError::kNamespaceFieldCount);
    if (track_namespace.length() > kMaxFullTrackNameLength) return fail(EncodeError::kTrackNameTooLong);
    integer(count);
    for (const auto& field : track_namespace.fields()) {
      if (!Traits::kEmptyNamespaceFields && field.empty()) return fail(EncodeError::kNamespaceFieldEmpty);
      integer(field.size());
      bytes(field);
    }
  }
  void full_track_name(const FullTrackName& track) {
    track_namespace(track.track_namespace);
    if (track.length() > kMaxFullTrackNameLength) return fail(EncodeError::kTrackNameTooLong);
    integer(track.track_name.size());
    bytes(track.track_name);
  }
  void reason_phrase(std::string_view text) {
    if (text.size() > kMaxReasonPhraseLength) return fail(EncodeError::kReasonPhraseTooLong);
    integer(text.size());
    bytes(base::as_bytes(text));
  }
  void new_session_uri(std::string_view uri) {
    if (uri.size() > kMaxNewSessionUriLength) return fail(EncodeError::kNewSessionUriTooLong);
    integer(uri.size());
    bytes(base::as_bytes(uri));
  }

  void fail(EncodeError error) noexcept {
    if (!error_) error_ = error;
  }
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] EncodeError error() const noexcept { return *error_; }

 private:
  using Integers = typename Traits::Integers;

  base::ByteVector& out_;
  std::optional<EncodeError> error_;
};

}  // namespace msquic_py::moqt::wire
