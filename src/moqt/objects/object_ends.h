#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/object_status.h"
#include "moqt/objects/stored_group.h"
#include "moqt/objects/track_store.h"

namespace msquic_py::moqt::objects {

/// Why an object at `location`, in `group`, makes the track malformed, if it lies behind an end that is known (section
/// 2.4.2).
[[nodiscard]] std::optional<MalformedTrack> behind_an_end(const TrackStore& store, const StoredGroup& group,
                                                          Location location, ObjectStatus status) noexcept;

/// Takes over what the object says of others: by its status that its group or track ends with it, by its extensions,
/// raw pairs that have been checked, that some before it do not exist [d15 §11].
void learn_from(TrackStore& store, StoredGroup& group, Draft draft, Location location, ObjectStatus status,
                base::Bytes extensions);

/// The extensions of an object, raw pairs in the form of a draft.
struct DraftedExtensions {
  Draft draft;
  base::SharedBytes pairs;
};
/// Whether the extensions of an object that has come twice are those of one object: relays may change them, but for
/// what is in Immutable Extensions [d15 §11].
[[nodiscard]] bool same_properties(Location location, const DraftedExtensions& left, const DraftedExtensions& right);

}  // namespace msquic_py::moqt::objects
