#include "moqt/objects/subgroup_writer.h"

#include <algorithm>
#include <utility>

#include "moqt/objects/object_ends.h"
#include "moqt/session/data/object_encoding.h"
#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::objects {

SubgroupWriter::SubgroupWriter(SubgroupWriter&& other) noexcept
    : publisher_(other.publisher_),
      draft_(other.draft_),
      properties_(other.properties_),
      start_(other.start_),
      group_(std::exchange(other.group_, nullptr)),
      subgroup_(std::exchange(other.subgroup_, nullptr)),
      epoch_(other.epoch_),
      last_id_(other.last_id_),
      payload_offset_(other.payload_offset_),
      ignores_(other.ignores_) {}

SubgroupWriter::~SubgroupWriter() { detach(); }

void SubgroupWriter::attach(std::uint64_t subgroup, session::Time now) {
  if (subgroup_ != nullptr) return;
  properties_.subgroup = subgroup;
  const TrackStore::Writable into = publisher_->store().subgroup(properties_, now);
  group_ = into.group;
  subgroup_ = into.subgroup;
  epoch_ = publisher_->store().epoch();
  ++subgroup_->writers;
  subgroup_->awaited = false;
  subgroup_->brought_from = std::min(subgroup_->brought_from.value_or(first_id()), first_id());
  // Somebody goes on with what was given up.
  if (subgroup_->ended() == StoredSubgroup::End::kReset) publisher_->subgroup_reopened(*subgroup_);
}

std::uint64_t SubgroupWriter::next_in_group() const noexcept {
  const StoredGroup* const group = publisher_->store().find(properties_.group);
  return group != nullptr && group->top ? *group->top + 1 : 0;
}

void SubgroupWriter::forget_if_cleared() noexcept {
  if (subgroup_ == nullptr || epoch_ == publisher_->store().epoch()) return;
  group_ = nullptr;
  subgroup_ = nullptr;
  ignores_ = true;
}

void SubgroupWriter::detach() noexcept {
  forget_if_cleared();
  if (subgroup_ != nullptr) --subgroup_->writers;
  subgroup_ = nullptr;
  group_ = nullptr;
}

std::optional<MalformedTrack> SubgroupWriter::check(const session::ObjectReceived& object) const {
  const bool mixed = mixes_forwarding_preferences(draft_);
  if (mixed ? group_->datagrams && group_->datagrams->find(object.location.object)
            : publisher_->preference.value_or(ForwardingPreference::kSubgroup) != ForwardingPreference::kSubgroup) {
    return MalformedTrack::kForwardingPreferenceChanged;  // [d15 §2.4.2-10]
  }
  if (const auto malformed = behind_an_end(publisher_->store(), *group_, object.location, object.status)) {
    return malformed;
  }
  const std::uint64_t id = object.location.object;
  if (subgroup_->ended() == StoredSubgroup::End::kFinished && subgroup_->largest() && id > *subgroup_->largest()) {
    return MalformedTrack::kObjectAfterEndOfSubgroup;  // [d15 §2.4.2-5]
  }
  const auto place = subgroup_->find(id);
  if (!place) {
    const bool twice = object.status == ObjectStatus::kNormal && group_->has_elsewhere(*subgroup_, id);
    return twice ? std::optional(MalformedTrack::kDuplicateObjectDiffers) : std::nullopt;
  }
  const StoredObject& known = subgroup_->at(*place);
  if (known.status != object.status) {
    // Only what is gone may be said not to exist; what did not exist may still turn up, and is left out [d15 §8.1].
    const bool gone = object.status == ObjectStatus::kDoesNotExist || known.status == ObjectStatus::kDoesNotExist;
    return gone ? std::nullopt : std::optional(MalformedTrack::kInvalidStatusTransition);  // [d15 §8.1-2]
  }
  // [d15 §8.1-1]
  if (known.payload_length != object.payload_length || known.publisher_priority != object.publisher_priority) {
    return MalformedTrack::kDuplicateObjectDiffers;  // [d15 §2.4.2-9]
  }
  // A stream without extension blocks has them left out.
  const bool comparable = properties_.extensions == subgroup_->properties().extensions;
  if (comparable &&
      !same_properties(object.location, {known.draft, known.extensions()}, {draft_, object.extensions()})) {
    return MalformedTrack::kDuplicateObjectDiffers;
  }
  return std::nullopt;
}

StoredObject SubgroupWriter::stored(const session::ObjectReceived& object, session::Time now,
                                    bool in_arena) const {  // [d15 §8.1-3]
  StoredObject stored;
  stored.payload_length = object.payload_length;
  stored.payload_arrived = object.wire.size() - object.header_size;
  stored.since = now;
  stored.wire = in_arena ? object.wire : publisher_->to_keep(object.wire);
  stored.delta_size = object.delta_size;
  stored.header_size = object.header_size;
  // As they came: [d15 §10.2.1.2-4, §11.1-1, §11.1-2, §11.1-4, §11.1-5, §11.1-6, §11.2-1, §11.2-2].
  stored.extensions_offset = object.extensions_offset;
  stored.extensions_size = object.extensions_size;
  stored.draft = draft_;
  stored.status = object.status;
  stored.publisher_priority = object.publisher_priority;
  return stored;
}

base::Result<SubgroupWriter::Taken, MalformedTrack> SubgroupWriter::object(const session::ObjectReceived& object,
                                                                           session::Time now, bool in_arena) {
  ignores_ = true;
  forget_if_cleared();
  // With several publishers a group that has come and gone comes again.
  if (subgroup_ == nullptr && publisher_->several_writers && publisher_->store().dropped(properties_.group)) {
    const StoredGroup* const here = publisher_->store().find(properties_.group);
    if (here == nullptr || here->returned) return Taken{false};
  }
  attach(object.subgroup, now);
  const std::uint64_t id = object.location.object;
  const std::optional<std::uint64_t> before = std::exchange(last_id_, id);
  payload_offset_ = 0;
  if (const auto malformed = check(object)) return base::Failure{*malformed};  // [d15 §2.4.2-3]
  TrackStore& store = publisher_->store();
  const bool largest_so_far = !subgroup_->largest() || id > *subgroup_->largest();
  // What was here and has been dropped was given to everybody; a second publisher may bring it again.
  const bool came_before =
      !largest_so_far &&
      (subgroup_->empty() ? true : id < subgroup_->at(subgroup_->first()).id && subgroup_->first() > 0);
  if (came_before) return Taken{false};
  if (const auto here = largest_so_far ? std::nullopt : subgroup_->find(id)) {
    StoredObject& known = subgroup_->at(*here);
    known.follows = known.follows || (before && subgroup_->id_before(*here) == *before);
    const bool fetched = std::exchange(known.fetched, false);
    if (fetched) take_header(known, object);
    ignores_ = false;  // perhaps this stream brings more of it than the one that began it
    if (const auto malformed = payload(object.wire.from(object.header_size), now)) return base::Failure{*malformed};
    if (fetched) publisher_->object_inserted(*group_, *subgroup_, *here, false, now);
    return Taken{fetched};
  }
  if (group_->absent.contains(id)) return Taken{false};  // [d15 §8.1]: it was said not to exist

  publisher_->preference = ForwardingPreference::kSubgroup;
  group_->note(id);
  const std::uint64_t place = subgroup_->insert(id);
  StoredObject& kept = subgroup_->at(place);
  StoredObject fresh = stored(object, now, in_arena);
  fresh.id = id;
  fresh.more = std::move(kept.more);  // for its room
  fresh.more.clear();
  // The stream has brought the one stored before it last: nothing of the subgroup lies between the two.
  fresh.follows = before && subgroup_->id_before(place) == *before;
  kept = std::move(fresh);
  if (place + 1 < subgroup_->end()) subgroup_->at(place + 1).follows = false;
  if (properties_.extensions != subgroup_->properties().extensions) rewrite(kept);
  store.charge(*subgroup_, kept.bytes());
  store.note(object.location);
  if (object.extensions_size > 0 || object.status != ObjectStatus::kNormal) {
    learn_from(store, *group_, draft_, object.location, object.status, object.extensions());
  }
  if (id == 0 || (properties_.first_object && !before)) take_timeouts(object);
  ignores_ = false;
  payload_offset_ = kept.payload_arrived;
  if (largest_so_far) {
    publisher_->object_begun(*group_, *subgroup_, place, now);
  } else {
    publisher_->object_inserted(*group_, *subgroup_, place, true, now);
  }
  return Taken{true};
}

void SubgroupWriter::take_timeouts(const session::ObjectReceived& first) const {  // draft-22 section 5.2
  if (first.extensions_size == 0) return;
  const auto known = wire::inspect_extensions(draft_, first.extensions(), first.location);
  if (known.ok()) subgroup_->take_timeouts(known->object_delivery_timeout, known->subgroup_delivery_timeout);
}

void SubgroupWriter::take_header(StoredObject& known, const session::ObjectReceived& object) const {
  // What the FETCH brought of the payload may lie behind its header.
  base::SharedBytes payload = known.wire.from(known.header_size);
  if (!payload.empty()) known.more.insert(known.more.begin(), std::move(payload));
  known.wire = publisher_->to_keep(object.wire.slice(0, object.header_size));
  known.delta_size = object.delta_size;
  known.header_size = object.header_size;
  known.extensions_offset = object.extensions_offset;
  known.extensions_size = object.extensions_size;
  known.draft = draft_;
  known.forms.reset();
  if (properties_.extensions != subgroup_->properties().extensions) rewrite(known);
}

void SubgroupWriter::rewrite(StoredObject& object) const {
  const base::SharedBytes payload = object.wire.from(object.header_size);
  const base::SharedBytes extensions = object.extensions();
  const auto block = subgroup_->properties().extensions ? std::optional(extensions.view()) : std::nullopt;
  // A stream without extension blocks cannot carry this one's; the subgroup was begun so, and stays so.
  const auto encoded =
      session::encode_object(object.draft, publisher_->arena(), object.id, block, object.payload_length, object.status);
  if (!encoded.ok()) return;
  object.wire = encoded->wire;
  object.delta_size = static_cast<std::uint32_t>(encoded->delta_size);
  object.header_size = static_cast<std::uint32_t>(encoded->wire.size());
  object.extensions_size = block ? static_cast<std::uint32_t>(block->size()) : 0;
  object.extensions_offset = 0;
  if (object.extensions_size > 0) {
    // The pairs end where the payload's length begins.
    const auto begin = std::search(object.wire.view().begin(), object.wire.view().end(), block->begin(), block->end());
    object.extensions_offset = static_cast<std::uint32_t>(begin - object.wire.view().begin());
  }
  if (!payload.empty()) object.more.insert(object.more.begin(), payload);
}

std::optional<MalformedTrack> SubgroupWriter::payload(const base::SharedBytes& bytes, session::Time now) {
  const std::uint64_t offset = payload_offset_;
  payload_offset_ += bytes.size();
  forget_if_cleared();
  if (ignores_ || subgroup_ == nullptr || bytes.empty()) return std::nullopt;
  const auto place = subgroup_->find(*last_id_);
  if (!place) return std::nullopt;
  StoredObject& object = subgroup_->at(*place);
  if (offset < object.payload_arrived && !object.agrees(offset, bytes)) {  // another brought it
    return MalformedTrack::kDuplicateObjectDiffers;
  }
  if (offset + bytes.size() <= object.payload_arrived) return std::nullopt;
  const std::size_t added = object.extend(offset, publisher_->to_keep(bytes));
  if (added == 0) return std::nullopt;
  publisher_->store().charge(*subgroup_, added);
  publisher_->payload_arrived(*group_, *subgroup_, *place, added, now);
  return std::nullopt;
}

std::optional<MalformedTrack> SubgroupWriter::finish(session::Time now) {
  forget_if_cleared();
  if (subgroup_ == nullptr && last_id_) return std::nullopt;  // nothing of it was taken
  if (subgroup_ == nullptr) {                                 // a stream without objects
    if (properties_.subgroup) attach(*properties_.subgroup, now);
    if (subgroup_ == nullptr) return std::nullopt;
  }
  if (subgroup_->ended() == StoredSubgroup::End::kFinished && subgroup_->largest() && last_id_ &&
      *last_id_ != *subgroup_->largest()) {
    detach();
    return MalformedTrack::kSubgroupEndsDiffer;  // [d15 §2.4.2-5]
  }
  StoredSubgroup& subgroup = *subgroup_;
  if (properties_.end_of_group && last_id_) group_->end = std::max(group_->end.value_or(0), *last_id_ + 1);
  detach();
  if (subgroup.ended() != StoredSubgroup::End::kOpen) return std::nullopt;
  subgroup.whole_from = std::min(subgroup.whole_from.value_or(first_id()), first_id());
  // What lies before the beginning of this stream's subscription, another that began earlier is still bringing.
  if (subgroup.writers > 0 && subgroup.brought_from < subgroup.whole_from) return std::nullopt;
  if (!finish_whole(subgroup, now) && subgroup.writers == 0) {
    publisher_->orphaned(subgroup, static_cast<std::uint64_t>(StreamResetCode::kInternalError), now);
  }
  return std::nullopt;
}

bool SubgroupWriter::finish_whole(StoredSubgroup& subgroup, session::Time now) {
  // An object that the finished stream did not bring may still be arriving on another.
  if (!subgroup.whole_from || (!subgroup.empty() && !subgroup.at(subgroup.end() - 1).complete())) return false;
  subgroup.finish(now);
  publisher_->subgroup_ended(subgroup, now);
  return true;
}

void SubgroupWriter::reset(std::uint64_t code, session::Time now) {
  forget_if_cleared();
  if (subgroup_ == nullptr) return;
  StoredSubgroup& subgroup = *subgroup_;
  detach();
  if (subgroup.writers > 0 || subgroup.ended() != StoredSubgroup::End::kOpen) return;
  if (!finish_whole(subgroup, now)) publisher_->orphaned(subgroup, code, now);
}

void SubgroupWriter::cut(std::uint64_t code) {
  if (subgroup_ == nullptr) return;
  StoredSubgroup& subgroup = *subgroup_;
  detach();
  if (subgroup.writers > 0 || subgroup.ended() != StoredSubgroup::End::kOpen) return;
  subgroup.reset(code);
  publisher_->subgroup_cut(subgroup);
}

}  // namespace msquic_py::moqt::objects
