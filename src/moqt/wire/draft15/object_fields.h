#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/decoded.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire::draft15 {

/// The outcome of reading some fields into a layout: done, more bytes needed, or a violation.
struct FieldsOutcome {
  enum class Kind : std::uint8_t { kDone, kNeedMore, kViolation } kind = Kind::kDone;
  base::Violation violation;

  static FieldsOutcome done() noexcept { return {}; }
  static FieldsOutcome need_more() noexcept { return {Kind::kNeedMore, {}}; }
  static FieldsOutcome violated(base::Violation violation) noexcept { return {Kind::kViolation, violation}; }
};

/// [Extensions], Payload Length, [Object Status]: how every object on a stream ends before its payload
/// (sections 10.4.2, 10.4.4). Fills in all but the Object ID.
FieldsOutcome read_object_tail(VarintCursor& in, bool has_extensions, std::size_t max_extensions_size,
                               ObjectLayout& layout) noexcept;

/// The rules for an object's properties that both kinds of stream share [d15 §10.2.1].
std::optional<EncodeError> check_object_fields(base::Bytes extensions, std::uint64_t payload_length,
                                               ObjectStatus status) noexcept;

/// Appends what read_object_tail reads. The scratch may hold earlier fields; it is flushed.
void write_object_tail(HeaderScratch& scratch, bool has_extensions, base::Bytes extensions,
                       std::uint64_t payload_length, ObjectStatus status, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire::draft15
