#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_reader.h"
#include "base/decoded.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire::draft15 {

/// Reads the fields of one complete control message payload. The first violation is kept, and every later read
/// gives an empty value, so that a message is read field by field without a check after each.
class PayloadReader {
 public:
  explicit PayloadReader(base::Bytes payload) noexcept : reader_(payload) {}

  std::uint64_t varint();
  std::uint8_t byte();
  base::Bytes bytes(std::uint64_t count);
  Location location();
  TrackNamespace track_namespace();
  FullTrackName full_track_name();
  std::string reason_phrase();
  std::string new_session_uri();
  SetupParameters setup_parameters(MessageType message);
  MessageParameters message_parameters(MessageType message);

  void fail(const base::Violation& violation) noexcept;
  [[nodiscard]] bool failed() const noexcept { return violation_.has_value(); }
  /// Call last: the violation, which leftover bytes are too.
  [[nodiscard]] std::optional<base::Violation> finish();

 private:
  base::ByteReader reader_;
  std::optional<base::Violation> violation_;
};

}  // namespace msquic_py::moqt::wire::draft15
