#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::moqt::wire {

/// Where the Subgroup ID of a stream comes from [d15 §10.4.2].
enum class SubgroupIdMode : std::uint8_t {
  kZero,         ///< it is 0
  kFirstObject,  ///< it is the Object ID of the first object on the stream
  kExplicit,     ///< it is in the header
};

/// SUBGROUP_HEADER, [d15 §10.4.2]. The types are the combinations of mode, priority, extensions, end of group and, from
/// draft 18 on, first object.
struct SubgroupHeader {
  std::uint64_t track_alias = 0;
  std::uint64_t group_id = 0;
  SubgroupIdMode subgroup_id_mode = SubgroupIdMode::kExplicit;
  std::uint64_t subgroup_id = 0;                     ///< for kExplicit; 0 otherwise
  std::optional<std::uint8_t> publisher_priority{};  ///< nothing: that of SUBSCRIBE_OK or PUBLISH
  bool has_extensions = false;                       ///< every object of the stream has an extension block, maybe empty
  bool contains_end_of_group = false;                ///< the last object before the FIN is the last of the group
  bool begins_with_first_object = false;  ///< from draft 18 on: its first object is the first of the subgroup

  bool operator==(const SubgroupHeader&) const = default;
};

/// The stream type: 0x10 to 0x3D, or to 0x7D with begins_with_first_object.
std::uint64_t subgroup_header_type(const SubgroupHeader& header) noexcept;

struct DecodedSubgroupHeader {
  SubgroupHeader header;
  std::size_t size;
};
base::Decoded<DecodedSubgroupHeader> decode_subgroup_header(Draft draft, base::Bytes bytes);
EncodeResult encode_subgroup_header(Draft draft, const SubgroupHeader& header, base::ByteVector& out);

/// A whole object of a subgroup stream, for those who want it in one piece; SubgroupStreamDecoder is for those who
/// forward bytes as they come.
struct SubgroupObject {
  std::uint64_t object_id = 0;
  base::SharedBytes extensions{};  ///< raw block, without its length
  ObjectStatus status = ObjectStatus::kNormal;
  base::SharedBytes payload{};
};
bool operator==(const SubgroupObject& left, const SubgroupObject& right) noexcept;

struct DecodedSubgroupObject {
  SubgroupObject object;
  std::size_t size;
};
/// `previous_object_id` is that of the object before on this stream, nothing for the first one.
base::Decoded<DecodedSubgroupObject> decode_subgroup_object(Draft draft, base::Bytes bytes, bool has_extensions,
                                                            std::optional<std::uint64_t> previous_object_id);
EncodeResult encode_subgroup_object(Draft draft, const SubgroupObject& object, bool has_extensions,
                                    std::optional<std::uint64_t> previous_object_id, base::ByteVector& out);

/// What precedes the payload of an object on a subgroup stream.
struct SubgroupObjectFields {
  std::uint64_t object_id = 0;
  base::Bytes extensions{};  ///< raw block, without its length
  std::uint64_t payload_length = 0;
  ObjectStatus status = ObjectStatus::kNormal;  ///< on the wire only when payload_length is 0
};
EncodeResult encode_subgroup_object_header(Draft draft, const SubgroupObjectFields& fields, bool has_extensions,
                                           std::optional<std::uint64_t> previous_object_id, base::ByteVector& out);

/// Appends the Object ID Delta alone: the one part of an object's header that depends on the object sent before it on
/// the same stream. A relay writes this and then the rest of the header as it was received.
EncodeResult encode_object_id_delta(Draft draft, std::uint64_t object_id,
                                    std::optional<std::uint64_t> previous_object_id, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire
