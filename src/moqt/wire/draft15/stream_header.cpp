#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/type_bits.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

constexpr std::uint64_t kFetchHeaderType = 0x05;

using SubgroupBits = SubgroupTypeBits;

bool is_subgroup_type(std::uint64_t type) noexcept {  // [d15 §10.4.2-3]
  return type < 0x40 && (type & SubgroupBits::kSubgroup) != 0 &&
         (type & SubgroupBits::kIdModeMask) != SubgroupBits::kIdModeMask;
}

SubgroupIdMode id_mode(std::uint64_t type) noexcept {
  switch (type & SubgroupBits::kIdModeMask) {
    case SubgroupBits::kIdModeFirstObject: return SubgroupIdMode::kFirstObject;
    case SubgroupBits::kIdModeExplicit: return SubgroupIdMode::kExplicit;
    default: return SubgroupIdMode::kZero;
  }
}

base::Decoded<DecodedStreamHeader> decode_subgroup(std::uint64_t type, VarintCursor in) {
  SubgroupHeader header;
  header.has_extensions = (type & SubgroupBits::kExtensions) != 0;
  header.contains_end_of_group = (type & SubgroupBits::kEndOfGroup) != 0;
  header.subgroup_id_mode = id_mode(type);
  if (!in.read(header.track_alias) || !in.read(header.group_id)) return base::NeedMore{};
  if (header.subgroup_id_mode == SubgroupIdMode::kExplicit && !in.read(header.subgroup_id)) return base::NeedMore{};
  if ((type & SubgroupBits::kPriorityAbsent) == 0) {
    std::uint8_t priority = 0;
    if (!in.read_byte(priority)) return base::NeedMore{};
    header.publisher_priority = priority;
  }
  return DecodedStreamHeader{header, in.position()};
}

// [d15 §10-1]
constexpr base::Violation kUnknownType = protocol_violation("unknown unidirectional stream type (section 10)");

}  // namespace

base::Decoded<StreamKind> decode_stream_kind(base::Bytes bytes) {
  VarintCursor in(bytes);
  std::uint64_t type = 0;
  if (!in.read(type)) return base::NeedMore{};
  if (type == kFetchHeaderType) return StreamKind::kFetch;
  if (is_subgroup_type(type)) return StreamKind::kSubgroup;
  return kUnknownType;
}

base::Decoded<DecodedStreamHeader> decode_stream_header(base::Bytes bytes) {
  VarintCursor in(bytes);
  std::uint64_t type = 0;
  if (!in.read(type)) return base::NeedMore{};
  if (type == kFetchHeaderType) {
    FetchHeader header;
    if (!in.read(header.request_id)) return base::NeedMore{};
    return DecodedStreamHeader{header, in.position()};
  }
  if (is_subgroup_type(type)) return decode_subgroup(type, in);
  return kUnknownType;
}

EncodeResult encode_subgroup_header(const SubgroupHeader& header, base::ByteVector& out) {
  if (header.track_alias > base::kVarintMax || header.group_id > base::kVarintMax ||
      header.subgroup_id > base::kVarintMax) {
    return base::Failure{EncodeError::kNumberTooLarge};
  }
  const bool explicit_id = header.subgroup_id_mode == SubgroupIdMode::kExplicit;
  if (!explicit_id && header.subgroup_id != 0) return base::Failure{EncodeError::kSubgroupIdMode};
  HeaderScratch scratch;
  scratch.put(subgroup_header_type(header));
  scratch.put(header.track_alias);
  scratch.put(header.group_id);
  if (explicit_id) scratch.put(header.subgroup_id);
  if (header.publisher_priority) scratch.put_byte(*header.publisher_priority);
  scratch.flush(out);
  return {};
}

EncodeResult encode_fetch_header(const FetchHeader& header, base::ByteVector& out) {
  if (header.request_id > base::kVarintMax) return base::Failure{EncodeError::kNumberTooLarge};
  HeaderScratch scratch;
  scratch.put(kFetchHeaderType);
  scratch.put(header.request_id);
  scratch.flush(out);
  return {};
}

}  // namespace msquic_py::moqt::wire::draft15
