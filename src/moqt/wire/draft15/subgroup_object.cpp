#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/object_fields.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

/// The Object ID Delta: the ID itself on the first object, else what lies between [d15 §10.4.2].
std::optional<EncodeError> delta_of(std::uint64_t object_id, const std::optional<std::uint64_t>& previous_object_id,
                                    std::uint64_t& delta) noexcept {
  if (object_id > base::kVarintMax) return EncodeError::kNumberTooLarge;
  if (!previous_object_id) {
    delta = object_id;
    return std::nullopt;
  }
  if (object_id <= *previous_object_id) return EncodeError::kObjectIdNotIncreasing;
  delta = object_id - *previous_object_id - 1;
  return std::nullopt;
}

}  // namespace

base::Decoded<ObjectLayout> decode_subgroup_object_header(base::Bytes bytes, bool has_extensions,
                                                          const std::optional<std::uint64_t>& previous_object_id,
                                                          std::size_t max_extensions_size) {
  VarintCursor in(bytes);
  ObjectLayout layout;
  std::uint64_t delta = 0;
  if (!in.read(delta)) return base::NeedMore{};
  layout.delta_size = static_cast<std::uint32_t>(in.position());
  layout.object_id = previous_object_id ? *previous_object_id + delta + 1 : delta;  // at most 2^63
  if (layout.object_id > base::kVarintMax) return protocol_violation("Object ID above 2^62-1 (section 10.4.2)");

  const FieldsOutcome outcome = read_object_tail(in, has_extensions, max_extensions_size, layout);
  if (outcome.kind == FieldsOutcome::Kind::kNeedMore) return base::NeedMore{};
  if (outcome.kind == FieldsOutcome::Kind::kViolation) return outcome.violation;
  return layout;
}

EncodeResult encode_subgroup_object_header(const SubgroupObjectFields& fields, bool has_extensions,
                                           const std::optional<std::uint64_t>& previous_object_id,
                                           base::ByteVector& out) {
  if (!has_extensions && !fields.extensions.empty()) return base::Failure{EncodeError::kExtensionsNotAnnounced};
  std::uint64_t delta = 0;
  if (const auto error = delta_of(fields.object_id, previous_object_id, delta)) return base::Failure{*error};
  if (const auto error = check_object_fields(fields.extensions, fields.payload_length, fields.status))
    return base::Failure{*error};
  HeaderScratch scratch;
  scratch.put(delta);
  write_object_tail(scratch, has_extensions, fields.extensions, fields.payload_length, fields.status, out);
  return {};
}

EncodeResult encode_object_id_delta(std::uint64_t object_id, const std::optional<std::uint64_t>& previous_object_id,
                                    base::ByteVector& out) {
  std::uint64_t delta = 0;
  if (const auto error = delta_of(object_id, previous_object_id, delta)) return base::Failure{*error};
  HeaderScratch scratch;
  scratch.put(delta);
  scratch.flush(out);
  return {};
}

}  // namespace msquic_py::moqt::wire::draft15
