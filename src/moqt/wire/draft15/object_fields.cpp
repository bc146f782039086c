#include "moqt/wire/draft15/object_fields.h"

#include <limits>

#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {

FieldsOutcome read_object_tail(VarintCursor& in, bool has_extensions, std::size_t max_extensions_size,
                               ObjectLayout& layout) noexcept {
  if (has_extensions) {
    std::uint64_t size = 0;
    if (!in.read(size)) return FieldsOutcome::need_more();
    if (size > max_extensions_size) {
      return FieldsOutcome::violated(violation(SessionErrorCode::kInternalError,
                                               "the extension headers of an object exceed this receiver's limit"));
    }
    if (size > in.remaining()) return FieldsOutcome::need_more();
    layout.extensions_offset = static_cast<std::uint32_t>(in.position());
    layout.extensions_size = static_cast<std::uint32_t>(size);
    if (const auto malformed = check_extensions(in.rest().first(static_cast<std::size_t>(size))))
      return FieldsOutcome::violated(*malformed);
    in.skip(size);
  }
  if (!in.read(layout.payload_length)) return FieldsOutcome::need_more();
  if (layout.payload_length == 0) {
    std::uint64_t number = 0;
    if (!in.read(number)) return FieldsOutcome::need_more();
    const auto status = object_status_from(number);
    // [d15 §10.2.1.1-3]
    if (!status) return FieldsOutcome::violated(protocol_violation("unknown Object Status (section 10.2.1.1)"));
    if (*status != ObjectStatus::kNormal && layout.extensions_size > 0) {  // [d15 §10.2.1.2-1]
      return FieldsOutcome::violated(
          protocol_violation("extension headers on an object whose status is not Normal (section 10.2.1.2)"));
    }
    layout.status = *status;
  }
  layout.size = static_cast<std::uint32_t>(in.position());
  return FieldsOutcome::done();
}

std::optional<EncodeError> check_object_fields(base::Bytes extensions, std::uint64_t payload_length,
                                               ObjectStatus status) noexcept {
  if (payload_length > base::kVarintMax) return EncodeError::kNumberTooLarge;
  if (status != ObjectStatus::kNormal) {
    if (payload_length > 0) return EncodeError::kStatusWithPayload;
    if (!extensions.empty()) return EncodeError::kStatusWithExtensions;
  }
  if (extensions.size() > std::numeric_limits<std::uint32_t>::max() || check_extensions(extensions)) {
    return EncodeError::kExtensionsMalformed;
  }
  return std::nullopt;
}

void write_object_tail(HeaderScratch& scratch, bool has_extensions, base::Bytes extensions,
                       std::uint64_t payload_length, ObjectStatus status, base::ByteVector& out) {
  if (has_extensions) {
    scratch.put(extensions.size());
    if (!extensions.empty()) {
      scratch.flush(out);
      out.insert(out.end(), extensions.begin(), extensions.end());
    }
  }
  scratch.put(payload_length);
  if (payload_length == 0) scratch.put(static_cast<std::uint64_t>(status));
  scratch.flush(out);
}

}  // namespace msquic_py::moqt::wire::draft15
