#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_writer.h"
#include "base/bytes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/parameter_list.h"
#include "moqt/wire/encode_error.h"
#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire::draft15 {

/// The mirror of PayloadReader: the first error is kept, and later writes do nothing.
class PayloadWriter {
 public:
  explicit PayloadWriter(base::ByteVector& out) noexcept : writer_(out) {}

  void varint(std::uint64_t value);
  void byte(std::uint8_t value);
  void bytes(base::Bytes value);
  void location(const Location& location);
  void track_namespace(const TrackNamespace& track_namespace);
  void full_track_name(const FullTrackName& track);
  void reason_phrase(std::string_view text);
  void new_session_uri(std::string_view uri);
  void parameters(MessageType message, const ParameterList& parameters);

  void fail(EncodeError error) noexcept;
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] EncodeError error() const noexcept { return *error_; }

 private:
  base::ByteWriter writer_;
  std::optional<EncodeError> error_;
};

}  // namespace msquic_py::moqt::wire::draft15
