#include "moqt/model/malformed_track.h"

namespace msquic_py::moqt {

std::string_view describe(MalformedTrack reason) noexcept {
  switch (reason) {
    case MalformedTrack::kFetchObjectNotAscending:
      return "fetch response: Object ID not larger than the one before in its group (2.4.2)";
    case MalformedTrack::kFetchGroupOutOfOrder: return "fetch response: Group ID against the group order (2.4.2)";
    case MalformedTrack::kObjectAfterEndOfSubgroup: return "object after the final object of its subgroup (2.4.2)";
    case MalformedTrack::kSubgroupEndsDiffer: return "two streams of one subgroup ended with different objects (2.4.2)";
    case MalformedTrack::kObjectAfterEndOfGroup: return "object after the final object of its group (2.4.2)";
    case MalformedTrack::kObjectAfterEndOfTrack: return "object after the final object of the track (2.4.2)";
    case MalformedTrack::kDuplicateObjectDiffers:
      return "object received again with other content or properties (2.4.2, 8.1)";
    case MalformedTrack::kInvalidStatusTransition:
      return "object received again with a status it cannot change to (8.1)";
    case MalformedTrack::kForwardingPreferenceChanged:
      return "object with another forwarding preference than the track's (2.4.2)";
    case MalformedTrack::kPriorGroupIdGapRepeated: return "more than one Prior Group ID Gap in an object (11.1)";
    case MalformedTrack::kPriorGroupIdGapDiffersInGroup:
      return "objects of one group with different Prior Group ID Gaps (11.1)";
    case MalformedTrack::kPriorGroupIdGapExceedsGroupId: return "Prior Group ID Gap larger than the Group ID (11.1)";
    case MalformedTrack::kPriorGroupIdGapCoversObject:
      return "Prior Group ID Gap covers an object that was received (11.1)";
    case MalformedTrack::kObjectInGroupGap: return "object in a group that was said not to exist (11.1)";
    case MalformedTrack::kPriorObjectIdGapRepeated: return "more than one Prior Object ID Gap in an object (11.2)";
    case MalformedTrack::kPriorObjectIdGapExceedsObjectId:
      return "Prior Object ID Gap larger than the Object ID (11.2)";
    case MalformedTrack::kPriorObjectIdGapCoversObject:
      return "Prior Object ID Gap covers an object that was received (11.2)";
    case MalformedTrack::kObjectInObjectGap: return "object that was said not to exist (11.2)";
    case MalformedTrack::kImmutableExtensionsRepeated: return "more than one Immutable Extensions in an object (11.1)";
    case MalformedTrack::kImmutableExtensionsNested: return "Immutable Extensions inside Immutable Extensions (11.1)";
    case MalformedTrack::kImmutableExtensionsUnparsable:
      return "a key-value pair in Immutable Extensions cannot be parsed (11.1)";
    case MalformedTrack::kMandatoryTrackPropertyOfObject:
      return "an object with a Mandatory Track Property (draft-18, 2.5.1)";
  }
  return "UNKNOWN";
}

}  // namespace msquic_py::moqt
