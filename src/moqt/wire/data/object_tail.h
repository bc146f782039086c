#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/decoded.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/data/extension_pairs.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

/// The outcome of reading some fields into a layout: done, more bytes needed, or a violation.
struct FieldsOutcome {
  enum class Kind : std::uint8_t { kDone, kNeedMore, kViolation } kind = Kind::kDone;
  base::Violation violation;

  static FieldsOutcome done() noexcept { return {}; }
  static FieldsOutcome need_more() noexcept { return {Kind::kNeedMore, {}}; }
  static FieldsOutcome violated(base::Violation violation) noexcept { return {Kind::kViolation, violation}; }
};

/// The status with that number in the draft.
template <class Traits>
std::optional<ObjectStatus> status_from(std::uint64_t number) noexcept {
  if (!Traits::kStatusDoesNotExist && number == static_cast<std::uint64_t>(ObjectStatus::kDoesNotExist)) {
    return std::nullopt;
  }
  return object_status_from(number);
}

/// What ends an object on a stream before its payload (sections 10.4.2, 10.4.4): the block of extensions with its
/// length, Payload Length, and on subgroup streams, in draft-15 also on fetch streams, the status of an object without
/// payload.
template <class Traits>
struct ObjectTail {
  using Integers = typename Traits::Integers;
  using Sections = typename Traits::Sections;

  /// Fills in all but the Object ID.
  static FieldsOutcome read(IntegerCursor<Integers>& in, bool has_extensions, bool has_status,
                            std::size_t max_extensions_size, ObjectLayout& layout) noexcept {
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
      if (const auto malformed = check_extensions<Traits>(in.rest().first(static_cast<std::size_t>(size))))
        return FieldsOutcome::violated(*malformed);
      in.skip(size);
    }
    if (!in.read(layout.payload_length)) return FieldsOutcome::need_more();
    if (layout.payload_length == 0 && has_status) {
      std::uint64_t number = 0;
      if (!in.read(number)) return FieldsOutcome::need_more();
      const auto status = status_from<Traits>(number);
      // [d15 §10.2.1.1-3]
      if (!status) return FieldsOutcome::violated(kViolates<"unknown Object Status", Sections::kObjectStatus>);
      if (*status != ObjectStatus::kNormal && layout.extensions_size > 0) {  // [d15 §10.2.1.2-1]
        return FieldsOutcome::violated(
            kViolates<"extension headers on an object whose status is not Normal", Sections::kObjectProperties>);
      }
      layout.status = *status;
    }
    layout.size = static_cast<std::uint32_t>(in.position());
    return FieldsOutcome::done();
  }

  /// The rules for an object's properties that both kinds of stream share [d15 §10.2.1].
  static std::optional<EncodeError> check(base::Bytes extensions, std::uint64_t payload_length,
                                          ObjectStatus status) noexcept {
    if (!all_fit<Integers>(payload_length)) return EncodeError::kNumberTooLarge;
    if (status != ObjectStatus::kNormal) {
      if (payload_length > 0) return EncodeError::kStatusWithPayload;
      if (!extensions.empty()) return EncodeError::kStatusWithExtensions;
      if (!status_from<Traits>(static_cast<std::uint64_t>(status))) return EncodeError::kNotInDraft;
    }
    if (extensions.size() > std::numeric_limits<std::uint32_t>::max() || check_extensions<Traits>(extensions)) {
      return EncodeError::kExtensionsMalformed;
    }
    return std::nullopt;
  }

  /// Appends what read() reads. The scratch may hold earlier fields; it is flushed.
  static void write(HeaderScratch<Integers>& scratch, bool has_extensions, bool has_status, base::Bytes extensions,
                    std::uint64_t payload_length, ObjectStatus status, base::ByteVector& out) {
    if (has_extensions) {
      scratch.put(extensions.size());
      if (!extensions.empty()) {
        scratch.flush(out);
        out.insert(out.end(), extensions.begin(), extensions.end());
      }
    }
    scratch.put(payload_length);
    if (payload_length == 0 && has_status) scratch.put(static_cast<std::uint64_t>(status));
    scratch.flush(out);
  }
};

}  // namespace msquic_py::moqt::wire
