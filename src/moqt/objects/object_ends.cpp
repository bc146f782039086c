#include "moqt/objects/object_ends.h"

#include <algorithm>
#include <utility>

#include "moqt/session/data/object_encoding.h"
#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::objects {

namespace {

/// Of one group. A publisher may say that there is one before each object; what lies below these is unknown again.
constexpr std::size_t kRememberedGaps = 1024;

}  // namespace

std::optional<MalformedTrack> behind_an_end(const TrackStore& store, const StoredGroup& group, Location location,
                                            ObjectStatus status) noexcept {
  // [d15 §10.2.1.1-2]
  if (const auto last = store.last(); last && status == ObjectStatus::kNormal && location >= *last) {
    return MalformedTrack::kObjectAfterEndOfTrack;
  }
  if (group.end && location.object >= *group.end) return MalformedTrack::kObjectAfterEndOfGroup;
  return std::nullopt;
}

bool same_properties(Location location, const DraftedExtensions& left, const DraftedExtensions& right) {
  base::Bytes these = left.pairs.view();
  base::Bytes those = right.pairs.view();
  base::ByteVector translated;
  if (!session::same_object_form(left.draft, right.draft)) {
    auto pairs = session::translate_extension_block(right.draft, left.draft, those);
    if (!pairs.ok()) return these.empty() && those.empty();
    translated = std::move(*pairs);
    those = translated;
  }
  if (std::equal(these.begin(), these.end(), those.begin(), those.end())) return true;
  const auto one = wire::inspect_extensions(left.draft, these, location);
  const auto other = wire::inspect_extensions(left.draft, those, location);
  if (!one.ok() || !other.ok()) return one.ok() == other.ok();
  const base::Bytes first = one->immutable.value_or(base::Bytes{});
  const base::Bytes second = other->immutable.value_or(base::Bytes{});
  return std::equal(first.begin(), first.end(), second.begin(), second.end());
}

void learn_from(TrackStore& store, StoredGroup& group, Draft draft, Location location, ObjectStatus status,
                base::Bytes extensions) {
  if (status == ObjectStatus::kEndOfGroup || status == ObjectStatus::kEndOfTrack) group.end = location.object + 1;
  if (status == ObjectStatus::kEndOfTrack) store.set_last(location);  // [d15 §10.2.1.1-1]
  if (extensions.empty()) return;
  const auto known = wire::inspect_extensions(draft, extensions, location);
  if (!known.ok()) return;
  const auto objects = known->prior_object_id_gap.value_or(0);
  const auto groups = known->prior_group_id_gap.value_or(0);
  if (objects > 0) {
    group.absent.add(location.object - objects, location.object - 1);
    group.absent.keep_highest(kRememberedGaps);
  }
  if (groups > 0) store.set_absent_groups(location.group - groups, location.group - 1);
}

}  // namespace msquic_py::moqt::objects
