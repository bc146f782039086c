#include "moqt/objects/fetch_writer.h"

#include <utility>

namespace msquic_py::moqt::objects {

FetchWriter::~FetchWriter() {
  if (StoredObject* object = open_ ? current() : nullptr) {
    object->arriving = false;
    publisher_.wake_fetches();
  }
}

StoredObject* FetchWriter::current() noexcept {
  StoredGroup* const group = publisher_.store().find(at_.group);
  const auto found = group == nullptr ? std::nullopt : group->at_or_after(at_.object);
  if (!found) return nullptr;
  StoredObject& object = found->subgroup->at(found->place);
  return object.id == at_.object ? &object : nullptr;
}

std::optional<MalformedTrack> FetchWriter::object(const session::FetchObjectReceived& object, session::Time now) {
  TrackStore& store = publisher_.store();
  pass_to(object.location, now);
  at_ = object.location;
  payload_offset_ = 0;
  open_ = true;
  if (StoredObject* const known = current()) {
    const bool comparable = known->status == object.status && known->status == ObjectStatus::kNormal;  // [d15 §8.1-1]
    if (comparable &&
        (known->payload_length != object.payload_length || known->publisher_priority != object.publisher_priority)) {
      open_ = false;
      return MalformedTrack::kDuplicateObjectDiffers;  // [d15 §2.4.2-9]
    }
    known->arriving = !known->complete();
    if (comparable && !known->agrees(0, object.payload)) {
      open_ = false;
      return MalformedTrack::kDuplicateObjectDiffers;
    }
    if (known->complete()) complete(*known);
    return payload(object.payload, now);
  }
  session::SubgroupProperties properties;
  properties.group = at_.group;
  properties.subgroup = object.subgroup;
  properties.publisher_priority = object.publisher_priority;
  properties.extensions = true;
  const TrackStore::Writable into = store.subgroup(properties, now);
  into.group->note(at_.object);
  const std::uint64_t place = into.subgroup->insert(at_.object);
  StoredObject& kept = into.subgroup->at(place);
  kept.forms.reset();
  kept.draft = draft_;
  kept.payload_length = object.payload_length;
  kept.payload_arrived = 0;
  kept.since = now;
  kept.wire = publisher_.to_keep(object.extensions);  // all of the header that a fetch needs
  kept.delta_size = 0;
  kept.header_size = static_cast<std::uint32_t>(object.extensions.size());
  kept.extensions_offset = 0;
  kept.extensions_size = kept.header_size;
  kept.status = object.status;
  kept.publisher_priority = object.publisher_priority;
  kept.datagram_type = 0;
  kept.follows = false;
  kept.fetched = true;
  kept.arriving = object.payload_length > 0;
  for (SubgroupDelivery& delivery : into.subgroup->deliveries) {
    if (delivery.begun && place <= delivery.current) ++delivery.current;
    if (place < delivery.next || (place == delivery.next && delivery.begun)) ++delivery.next;
  }
  store.charge(*into.subgroup, kept.bytes());
  if (kept.complete()) complete(kept);
  (void)payload(object.payload, now);
  publisher_.fetched(now);
  return std::nullopt;
}

std::optional<MalformedTrack> FetchWriter::payload(const base::SharedBytes& bytes, session::Time now) {
  const std::uint64_t offset = payload_offset_;
  payload_offset_ += bytes.size();
  if (bytes.empty()) return std::nullopt;
  StoredObject* const object = current();
  if (object == nullptr) return std::nullopt;  // dropped meanwhile; whoever needs it asks again
  if (offset < object->payload_arrived && !object->agrees(offset, bytes)) {
    return MalformedTrack::kDuplicateObjectDiffers;
  }
  if (!open_) return std::nullopt;
  const std::size_t added = object->extend(offset, publisher_.to_keep(bytes));
  if (added > 0) {
    StoredGroup* const group = publisher_.store().find(at_.group);
    const auto found = group->at_or_after(at_.object);
    publisher_.store().charge(*found->subgroup, added);
    if (!object->fetched) publisher_.payload_arrived(*group, *found->subgroup, found->place, added, now);
  }
  if (payload_offset_ >= object->payload_length) complete(*object);
  publisher_.fetched(now);
  return std::nullopt;
}

void FetchWriter::pass_unknown(Location last) noexcept {
  if (order_ == GroupOrder::kAscending) {
    next_ = last.next();
  } else {
    unsure_ = true;
  }
}

void FetchWriter::pass_to(Location at, session::Time now) {
  if (unsure_) return;
  TrackStore& store = publisher_.store();
  const std::optional<Location> from = std::exchange(next_, Location{at.group, at.object + 1});
  if (order_ == GroupOrder::kAscending) return store.set_nothing_between(from.value_or(range_.start), at, now);
  if (!from || at.group == top_.group) top_ = *next_;
  if (from && from->group == at.group) return store.set_nothing_between(*from, at, now);
  if (from && from->group != top_.group) store.set_known(*from, {from->group, 0}, now);
  if (from && from->group > at.group + 1) store.set_known({at.group + 1, 0}, {from->group - 1, 0}, now);
  const Location first = at.group == range_.start.group ? range_.start : Location{at.group, 0};
  store.set_nothing_between(first, at, now);
}

void FetchWriter::finish(Location end, session::Time now) {
  if (unsure_) return;
  TrackStore& store = publisher_.store();
  if (order_ == GroupOrder::kAscending) {
    const FetchRange rest{next_.value_or(range_.start), end};
    if (rest.valid()) store.set_known(rest.start, rest.end, now);
    return;
  }
  if (!next_) return store.set_known(range_.start, end, now);
  if (const FetchRange rest{top_, end}; rest.valid()) store.set_known(rest.start, rest.end, now);
  if (next_->group != top_.group) store.set_known(*next_, {next_->group, 0}, now);
  if (next_->group > range_.start.group) store.set_known(range_.start, {next_->group - 1, 0}, now);
}

void FetchWriter::complete(StoredObject& object) {
  object.arriving = false;
  open_ = false;
  reached_ = Location{at_.group, at_.object + 1};
}

}  // namespace msquic_py::moqt::objects
