#include "moqt/objects/datagram_writer.h"

#include "moqt/objects/object_ends.h"

namespace msquic_py::moqt::objects {

namespace {

std::optional<MalformedTrack> check(const TrackPublisher& publisher, Draft draft, const StoredGroup& group,
                                    const StoredSubgroup& datagrams, const session::DatagramReceived& datagram) {
  const bool mixed = mixes_forwarding_preferences(draft);
  if (mixed ? group.has_elsewhere(datagrams, datagram.location.object)
            : publisher.preference.value_or(ForwardingPreference::kDatagram) != ForwardingPreference::kDatagram) {
    return MalformedTrack::kForwardingPreferenceChanged;  // [d15 §2.4.2-10]
  }
  if (const auto malformed = behind_an_end(publisher.store(), group, datagram.location, datagram.status)) {
    return malformed;
  }
  const auto place = datagrams.find(datagram.location.object);
  if (!place) return std::nullopt;
  const StoredObject& known = datagrams.at(*place);
  if (known.status != datagram.status) return std::nullopt;
  const bool same =
      known.payload_length == datagram.payload().size() && known.publisher_priority == datagram.publisher_priority &&
      known.agrees(0, datagram.payload()) &&
      same_properties(datagram.location, {known.draft, known.extensions()}, {draft, datagram.extensions()});
  return same ? std::nullopt : std::optional(MalformedTrack::kDuplicateObjectDiffers);  // [d15 §8.1-1]
}

}  // namespace

base::Result<bool, MalformedTrack> write_datagram(TrackPublisher& publisher, Draft draft,
                                                  const session::DatagramReceived& datagram, session::Time now) {
  TrackStore& store = publisher.store();
  const Location at = datagram.location;
  // With several publishers a group that is gone may come again.
  if (publisher.several_writers && store.dropped(at.group) && store.find(at.group) == nullptr) return false;
  const TrackStore::Writable into = store.datagrams(at.group, now);
  if (const auto malformed = check(publisher, draft, *into.group, *into.subgroup, datagram))
    return base::Failure{*malformed};
  const bool known = into.subgroup->find(at.object).has_value();
  const bool was_dropped = into.subgroup->first() > 0 &&
                           into.subgroup->lower_bound(at.object) == into.subgroup->first() &&
                           into.subgroup->largest() && at.object <= *into.subgroup->largest();
  if (known || was_dropped || into.group->absent.contains(at.object)) return false;

  publisher.preference = ForwardingPreference::kDatagram;
  into.group->note(at.object);
  const std::uint64_t place = into.subgroup->insert(at.object);
  StoredObject& kept = into.subgroup->at(place);
  kept.more.clear();
  kept.forms.reset();
  kept.draft = draft;
  kept.wire = publisher.to_keep(datagram.after_alias);
  kept.payload_length = kept.payload_arrived = datagram.after_alias.size() - datagram.payload_offset;
  kept.since = now;
  kept.delta_size = 0;
  kept.header_size = datagram.payload_offset;
  kept.extensions_offset = datagram.extensions_offset;
  kept.extensions_size = datagram.extensions_size;
  kept.status = datagram.status;
  kept.publisher_priority = datagram.publisher_priority;
  kept.datagram_type = static_cast<std::uint8_t>(datagram.type);
  kept.fetched = kept.arriving = kept.follows = false;
  store.charge(*into.subgroup, kept.bytes());
  store.note(at);
  if (datagram.end_of_group) into.group->end = at.object + 1;
  learn_from(store, *into.group, draft, at, datagram.status, datagram.extensions());
  publisher.datagram(*into.group, *into.subgroup, place, now);
  return true;
}

}  // namespace msquic_py::moqt::objects
