#include "moqt/wire/subgroup.h"

#include <algorithm>
#include <limits>

#include "moqt/wire/codec.h"
#include "moqt/wire/type_bits.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire {

bool operator==(const SubgroupObject& left, const SubgroupObject& right) noexcept {
  return left.object_id == right.object_id && left.status == right.status &&
         std::ranges::equal(left.extensions.view(), right.extensions.view()) &&
         std::ranges::equal(left.payload.view(), right.payload.view());
}

std::uint64_t subgroup_header_type(const SubgroupHeader& header) noexcept {
  using Bits = SubgroupTypeBits;
  std::uint64_t type = Bits::kSubgroup;
  if (header.has_extensions) type |= Bits::kExtensions;
  if (header.subgroup_id_mode == SubgroupIdMode::kFirstObject) type |= Bits::kIdModeFirstObject;
  if (header.subgroup_id_mode == SubgroupIdMode::kExplicit) type |= Bits::kIdModeExplicit;
  if (header.contains_end_of_group) type |= Bits::kEndOfGroup;
  if (!header.publisher_priority) type |= Bits::kPriorityAbsent;
  if (header.begins_with_first_object) type |= Bits::kFirstObject;
  return type;
}

base::Decoded<DecodedSubgroupHeader> decode_subgroup_header(Draft draft, base::Bytes bytes) {
  const Codec& codec = codec_for(draft);
  const auto kind = codec.decode_stream_kind(bytes);
  if (!kind) return kind.failure<DecodedSubgroupHeader>();
  if (*kind != StreamKind::kSubgroup) return protocol_violation("stream type is not SUBGROUP_HEADER (section 10.4.2)");
  const auto decoded = codec.decode_stream_header(bytes);
  if (!decoded) return decoded.failure<DecodedSubgroupHeader>();
  return DecodedSubgroupHeader{std::get<SubgroupHeader>(decoded->header), decoded->size};
}

EncodeResult encode_subgroup_header(Draft draft, const SubgroupHeader& header, base::ByteVector& out) {
  return codec_for(draft).encode_subgroup_header(header, out);
}

base::Decoded<DecodedSubgroupObject> decode_subgroup_object(Draft draft, base::Bytes bytes, bool has_extensions,
                                                            std::optional<std::uint64_t> previous_object_id) {
  const auto layout = codec_for(draft).decode_subgroup_object_header(bytes, has_extensions, previous_object_id,
                                                                     std::numeric_limits<std::uint32_t>::max());
  if (!layout) return layout.failure<DecodedSubgroupObject>();
  const base::Bytes behind = bytes.subspan(layout->size);
  if (behind.size() < layout->payload_length) return base::NeedMore{};
  const auto payload_length = static_cast<std::size_t>(layout->payload_length);
  SubgroupObject object;
  object.object_id = layout->object_id;
  object.extensions = base::SharedBytes::copy_of(bytes.subspan(layout->extensions_offset, layout->extensions_size));
  object.status = layout->status;
  object.payload = base::SharedBytes::copy_of(behind.first(payload_length));
  return DecodedSubgroupObject{std::move(object), layout->size + payload_length};
}

EncodeResult encode_subgroup_object(Draft draft, const SubgroupObject& object, bool has_extensions,
                                    std::optional<std::uint64_t> previous_object_id, base::ByteVector& out) {
  const SubgroupObjectFields fields{object.object_id, object.extensions, object.payload.size(), object.status};
  const auto result = encode_subgroup_object_header(draft, fields, has_extensions, previous_object_id, out);
  if (result) out.insert(out.end(), object.payload.view().begin(), object.payload.view().end());
  return result;
}

EncodeResult encode_subgroup_object_header(Draft draft, const SubgroupObjectFields& fields, bool has_extensions,
                                           std::optional<std::uint64_t> previous_object_id, base::ByteVector& out) {
  return codec_for(draft).encode_subgroup_object_header(fields, has_extensions, previous_object_id, out);
}

EncodeResult encode_object_id_delta(Draft draft, std::uint64_t object_id,
                                    std::optional<std::uint64_t> previous_object_id, base::ByteVector& out) {
  return codec_for(draft).encode_object_id_delta(object_id, previous_object_id, out);
}

}  // namespace msquic_py::moqt::wire
