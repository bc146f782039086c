#pragma once

#include "moqt/wire/cited.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/integers/header_scratch.h"
#include "moqt/wire/integers/integer_cursor.h"
#include "moqt/wire/type_bits.h"

namespace msquic_py::moqt::wire {

inline constexpr std::uint64_t kFetchHeaderType = 0x05;

template <class Traits>
constexpr bool is_subgroup_type(std::uint64_t type) noexcept {  // [d15 §10.4.2-3]
  using Bits = SubgroupTypeBits;
  return type <= Traits::kSubgroupTypeBits && (type & Bits::kSubgroup) != 0 &&
         (type & Bits::kIdModeMask) != Bits::kIdModeMask;
}

constexpr SubgroupIdMode subgroup_id_mode(std::uint64_t type) noexcept {
  switch (type & SubgroupTypeBits::kIdModeMask) {
    case SubgroupTypeBits::kIdModeFirstObject: return SubgroupIdMode::kFirstObject;
    case SubgroupTypeBits::kIdModeExplicit: return SubgroupIdMode::kExplicit;
    default: return SubgroupIdMode::kZero;
  }
}

template <class Integers>
base::Decoded<DecodedStreamHeader> decode_subgroup(std::uint64_t type, IntegerCursor<Integers> in) {
  using Bits = SubgroupTypeBits;
  SubgroupHeader header;
  header.has_extensions = (type & Bits::kExtensions) != 0;
  header.contains_end_of_group = (type & Bits::kEndOfGroup) != 0;
  header.begins_with_first_object = (type & Bits::kFirstObject) != 0;
  header.subgroup_id_mode = subgroup_id_mode(type);
  if (!in.read(header.track_alias) || !in.read(header.group_id)) return base::NeedMore{};
  if (header.subgroup_id_mode == SubgroupIdMode::kExplicit && !in.read(header.subgroup_id)) return base::NeedMore{};
  if ((type & Bits::kPriorityAbsent) == 0) {
    std::uint8_t priority = 0;
    if (!in.read_byte(priority)) return base::NeedMore{};
    header.publisher_priority = priority;
  }
  return DecodedStreamHeader{header, in.position()};
}

template <class Traits>
base::Decoded<StreamKind> stream_kind(std::uint64_t type) noexcept {
  if (type == kFetchHeaderType) return StreamKind::kFetch;
  if (is_subgroup_type<Traits>(type)) return StreamKind::kSubgroup;
  if (Traits::kControlStreams && type == kControlStreamType) return StreamKind::kControl;
  if (Traits::kPadding && type == kPaddingStreamType) return StreamKind::kPadding;
  // [d15 §10-1]
  return kViolates<"unknown unidirectional stream type", Traits::Sections::kStreamTypes>;
}

template <class Traits>
base::Decoded<StreamKind> decode_stream_kind(base::Bytes bytes) {
  IntegerCursor<typename Traits::Integers> in(bytes);
  std::uint64_t type = 0;
  if (!in.read(type)) return base::NeedMore{};
  return stream_kind<Traits>(type);
}

template <class Traits>
base::Decoded<DecodedStreamHeader> decode_stream_header(base::Bytes bytes) {
  IntegerCursor<typename Traits::Integers> in(bytes);
  std::uint64_t type = 0;
  if (!in.read(type)) return base::NeedMore{};
  const auto kind = stream_kind<Traits>(type);
  if (!kind) return kind.violation();
  switch (*kind) {
    case StreamKind::kSubgroup: return decode_subgroup(type, in);
    case StreamKind::kControl: return DecodedStreamHeader{ControlStreamHeader{}, 0};
    case StreamKind::kPadding: return DecodedStreamHeader{PaddingStreamHeader{}, in.position()};
    case StreamKind::kFetch: break;
  }
  FetchHeader header;
  if (!in.read(header.request_id)) return base::NeedMore{};
  return DecodedStreamHeader{header, in.position()};
}

template <class Traits>
EncodeResult encode_subgroup_header(const SubgroupHeader& header, base::ByteVector& out) {
  using Integers = typename Traits::Integers;
  if (!all_fit<Integers>(header.track_alias, header.group_id, header.subgroup_id)) {
    return base::Failure{EncodeError::kNumberTooLarge};
  }
  const bool explicit_id = header.subgroup_id_mode == SubgroupIdMode::kExplicit;
  if (!explicit_id && header.subgroup_id != 0) return base::Failure{EncodeError::kSubgroupIdMode};
  HeaderScratch<Integers> scratch;
  scratch.put(subgroup_header_type(header) & Traits::kSubgroupTypeBits);
  scratch.put(header.track_alias);
  scratch.put(header.group_id);
  if (explicit_id) scratch.put(header.subgroup_id);
  if (header.publisher_priority) scratch.put_byte(*header.publisher_priority);
  scratch.flush(out);
  return {};
}

template <class Traits>
EncodeResult encode_fetch_header(const FetchHeader& header, base::ByteVector& out) {
  using Integers = typename Traits::Integers;
  if (!all_fit<Integers>(header.request_id)) return base::Failure{EncodeError::kNumberTooLarge};
  HeaderScratch<Integers> scratch;
  scratch.put(kFetchHeaderType);
  scratch.put(header.request_id);
  scratch.flush(out);
  return {};
}

}  // namespace msquic_py::moqt::wire
