#pragma once

#include "moqt/wire/data/object_tail.h"

namespace msquic_py::moqt::wire {

/// The Object ID Delta: the ID itself on the first object, else what lies between [d15 §10.4.2].
template <class Traits>
std::optional<EncodeError> delta_of(std::uint64_t object_id, const std::optional<std::uint64_t>& previous_object_id,
                                    std::uint64_t& delta) noexcept {
  if (!all_fit<typename Traits::Integers>(object_id)) return EncodeError::kNumberTooLarge;
  if (!previous_object_id) {
    delta = object_id;
    return std::nullopt;
  }
  if (object_id <= *previous_object_id) return EncodeError::kObjectIdNotIncreasing;
  delta = object_id - *previous_object_id - 1;
  return std::nullopt;
}

template <class Traits>
base::Decoded<ObjectLayout> decode_subgroup_object_header(base::Bytes bytes, bool has_extensions,
                                                          const std::optional<std::uint64_t>& previous_object_id,
                                                          std::size_t max_extensions_size) {
  using Integers = typename Traits::Integers;
  IntegerCursor<Integers> in(bytes);
  ObjectLayout layout;
  std::uint64_t delta = 0;
  if (!in.read(delta)) return base::NeedMore{};
  layout.delta_size = static_cast<std::uint32_t>(in.position());
  layout.object_id = delta;
  if (previous_object_id) {
    if (*previous_object_id >= Integers::kLargest || delta > Integers::kLargest - *previous_object_id - 1) {
      return kViolates<Traits::kObjectIdTooLarge, Traits::Sections::kSubgroup>;
    }
    layout.object_id = *previous_object_id + delta + 1;
  }
  const FieldsOutcome outcome = ObjectTail<Traits>::read(in, has_extensions, true, max_extensions_size, layout);
  if (outcome.kind == FieldsOutcome::Kind::kNeedMore) return base::NeedMore{};
  if (outcome.kind == FieldsOutcome::Kind::kViolation) return outcome.violation;
  return layout;
}

template <class Traits>
EncodeResult encode_subgroup_object_header(const SubgroupObjectFields& fields, bool has_extensions,
                                           const std::optional<std::uint64_t>& previous_object_id,
                                           base::ByteVector& out) {
  using Tail = ObjectTail<Traits>;
  if (!has_extensions && !fields.extensions.empty()) return base::Failure{EncodeError::kExtensionsNotAnnounced};
  std::uint64_t delta = 0;
  if (const auto error = delta_of<Traits>(fields.object_id, previous_object_id, delta)) return base::Failure{*error};
  if (const auto error = Tail::check(fields.extensions, fields.payload_length, fields.status))
    return base::Failure{*error};
  HeaderScratch<typename Traits::Integers> scratch;
  scratch.put(delta);
  Tail::write(scratch, has_extensions, true, fields.extensions, fields.payload_length, fields.status, out);
  return {};
}

template <class Traits>
EncodeResult encode_object_id_delta(std::uint64_t object_id, const std::optional<std::uint64_t>& previous_object_id,
                                    base::ByteVector& out) {
  std::uint64_t delta = 0;
  if (const auto error = delta_of<Traits>(object_id, previous_object_id, delta)) return base::Failure{*error};
  HeaderScratch<typename Traits::Integers> scratch;
  scratch.put(delta);
  scratch.flush(out);
  return {};
}

}  // namespace msquic_py::moqt::wire
