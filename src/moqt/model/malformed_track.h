#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt {

/// Why a track is malformed (sections 2.4.2, 8.1, 11). It ends the track from that publisher, not the session.
enum class MalformedTrack : std::uint8_t {
  kFetchObjectNotAscending,   ///< FETCH: Object ID not larger than the previous one of the group
  kFetchGroupOutOfOrder,      ///< FETCH: group against the group order
  kObjectAfterEndOfSubgroup,  ///< Object ID above the last one before the FIN of its subgroup
  kSubgroupEndsDiffer,        ///< two FINed streams of one subgroup end differently
  kObjectAfterEndOfGroup,
  kObjectAfterEndOfTrack,
  kDuplicateObjectDiffers,  ///< payload, immutable properties, subgroup or priority
  kInvalidStatusTransition,
  kForwardingPreferenceChanged,
  kPriorGroupIdGapRepeated,  ///< more than one in an object
  kPriorGroupIdGapDiffersInGroup,
  kPriorGroupIdGapExceedsGroupId,
  kPriorGroupIdGapCoversObject,  ///< an object was received in a group said not to exist
  kObjectInGroupGap,             ///< this object is in a group said not to exist
  kPriorObjectIdGapRepeated,
  kPriorObjectIdGapExceedsObjectId,
  kPriorObjectIdGapCoversObject,
  kObjectInObjectGap,
  kImmutableExtensionsRepeated,
  kImmutableExtensionsNested,
  kImmutableExtensionsUnparsable,
  kMandatoryTrackPropertyOfObject,  ///< from draft 18 on
};

/// One sentence for logs, with the section.
std::string_view describe(MalformedTrack reason) noexcept;

}  // namespace msquic_py::moqt
