// What comes under a Track Alias while a further subscription to the track waits for the answer that names its alias:
// that may be the same one, since the publisher may use it again (draft-22 section 3.1.3), or may have had it for a
// subscription that is over [d15 §10.1].
#include <algorithm>
#include <utility>
#include <variant>

#include "moqt/session/data/incoming_data.h"

namespace msquic_py::moqt::session {

void IncomingData::expect(RequestHandle subscription, const FullTrackName& name, std::optional<std::uint64_t> alias) {
  expected_.push_back({subscription, name, alias, alias ? std::vector<std::uint64_t>{} : tracks_.reopen(name)});
  tracks_.for_each([&](ReceivedTrack& track) { track.expected = is_expected(track); });
}

void IncomingData::unexpect(RequestHandle subscription) {
  const auto found = std::find_if(expected_.begin(), expected_.end(),
                                  [&](const Expected& each) { return each.subscription == subscription; });
  if (found == expected_.end()) return;
  const Expected over = std::move(*found);
  expected_.erase(found);
  // The next one that waits for this track goes on waiting for what comes late.
  const auto next = std::find_if(expected_.begin(), expected_.end(),
                                 [&](const Expected& each) { return !each.alias && each.track == over.track; });
  for (const std::uint64_t alias : over.reopened) {
    if (next != expected_.end()) {
      next->reopened.push_back(alias);
    } else {
      retire_alias(alias, over.track);
    }
  }
  std::vector<std::uint64_t> settled;
  tracks_.for_each([&](ReceivedTrack& track) {
    if (track.expected && !(track.expected = is_expected(track))) settled.push_back(track.alias());
  });
  for (const std::uint64_t alias : settled) {
    early_.drop(alias);
    if (ReceivedTrack* track = tracks_.find(alias); track->receivers.empty()) forget(*track);
  }
}

void IncomingData::retire_unclaimed(std::uint64_t alias) {
  if (expected_.empty()) return retire_alias(alias, {});
  if (tracks_.find(alias) == nullptr) expected_.back().reopened.push_back(alias);
}

bool IncomingData::is_expected(const ReceivedTrack& track) const {
  return std::any_of(expected_.begin(), expected_.end(), [&](const Expected& each) {
    return each.track == track.name() && each.alias.value_or(track.alias()) == track.alias();
  });
}

EarlyObjects::Room IncomingData::early_room() const {
  const Limits& limits = config_.limits;
  if (config_.account && !config_.account->has_room()) return {};
  return {limits.max_unknown_alias_streams, limits.max_unknown_alias_datagrams, limits.max_unknown_alias_bytes,
          config_.account};
}

void IncomingData::keep_early(IncomingStream& stream, const EarlyObjects::Piece& piece) {
  SubgroupProperties properties = stream.properties;
  properties.first_object = properties.first_object && !stream.told;
  stream.told = true;
  early_.add(stream.id, stream.header.track_alias, properties, piece, now_, early_room());
  arm_sweep();
}

void IncomingData::release_early(ReceivedTrack& track, RequestHandle subscription) {
  ReceivedTrack::Receiver& receiver = *track.receiver(subscription);
  const auto wants = [&](Location location, const ObjectFilter::Object& object, base::Bytes extensions) {
    return receiver.wanted.wants(location, object,
                                 [&](std::uint64_t type) { return codec_.find_number(extensions, type); });
  };
  for (const EarlyObjects::Stream* early : early_.streams_of(track.alias())) {
    track.shared = true;  // by a subscription that is over, perhaps
    if (!receiver.wanted.wants_some_of(early->properties.group)) continue;
    const auto found = streams_.find(early->id);
    IncomingStream* const stream =
        found != streams_.end() && found->second->track == &track ? found->second.get() : nullptr;
    if (stream != nullptr) {
      join(*stream, receiver, early->properties);
    } else {
      ++receiver.streams_seen;
      context_.emit(SubgroupOpened{subscription, early->id, early->properties});
    }
    bool takes = false;
    for (const EarlyObjects::Piece& piece : early->pieces) {
      if (const auto* object = std::get_if<ObjectReceived>(&piece)) {
        const base::SharedBytes extensions = object->extensions();
        takes = wants(object->location, {object->subgroup, object->location.object, object->publisher_priority},
                      extensions);
      }
      if (!takes && !std::holds_alternative<SubgroupEnded>(piece)) continue;
      std::visit(
          [&](auto event) {
            event.subscription = subscription;
            context_.emit(std::move(event));
          },
          piece);
    }
    if (stream != nullptr) stream->taker_of(subscription)->takes = takes;
  }
  for (const EarlyObjects::Datagram* early : early_.datagrams_of(track.alias())) {
    track.shared = true;
    DatagramReceived event = early->event;
    const base::SharedBytes extensions = event.extensions();
    if (!wants(event.location, {std::nullopt, event.location.object, event.publisher_priority}, extensions)) continue;
    event.subscription = subscription;
    context_.emit(std::move(event));
  }
}

void IncomingData::tell_malformed(const ReceivedTrack& track, MalformedTrack reason) {
  if (!track.receivers.empty()) return context_.on_malformed(track.receivers.front().subscription, reason);
  const auto found = std::find_if(expected_.begin(), expected_.end(),
                                  [&](const Expected& each) { return each.track == track.name(); });
  if (found != expected_.end()) context_.on_malformed(found->subscription, reason);
}

}  // namespace msquic_py::moqt::session
