// The tracks that objects come for, by their aliases, and what has come ahead of an alias [d15 §10.1].
#include <algorithm>
#include <utility>
#include <vector>

#include "moqt/session/data/incoming_data.h"

namespace msquic_py::moqt::session {

bool IncomingData::add_track(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                             std::uint8_t publisher_priority, const WantedObjects& wanted) {
  const ReceivedTrack* before = tracks_.find(alias);
  if (before != nullptr && before->receivers.empty() && before->name() != name) forget(*before);
  if (!tracks_.add(subscription, name, alias, publisher_priority, mixes_forwarding_preferences(codec_.draft), wanted)) {
    return false;
  }
  ReceivedTrack& track = *tracks_.find(alias);
  track.expected = is_expected(track);
  return true;
}

std::vector<IncomingStreamId> IncomingData::held_for(std::uint64_t alias) const {
  std::vector<IncomingStreamId> waiting;
  for (const auto& [id, stream] : streams_) {
    if (stream->state == State::kHeld && stream->header.track_alias == alias) waiting.push_back(id);
  }
  std::sort(waiting.begin(), waiting.end());  // the order in which the peer opened them
  return waiting;
}

void IncomingData::reserve_alias(std::uint64_t alias) {
  reserved_.insert(alias);
  for (const IncomingStreamId id : held_for(alias)) hold_back(*streams_.at(id));
}

void IncomingData::unreserve_alias(std::uint64_t alias) {
  if (const auto found = reserved_.find(alias); found != reserved_.end()) reserved_.erase(found);
}

void IncomingData::refuse_alias(std::uint64_t alias, const FullTrackName& name) {
  unreserve_alias(alias);
  if (!reserved_.contains(alias)) retire_alias(alias, name);
}

void IncomingData::release_held(RequestHandle subscription) {
  ReceivedTrack* introduced = tracks_.of(subscription);
  if (introduced == nullptr) return;
  const std::uint64_t alias = introduced->alias();
  release_early(*introduced, subscription);
  unexpect(subscription);
  for (const IncomingStreamId id : held_for(alias)) {
    ReceivedTrack* track = tracks_.find(alias);
    const auto found = streams_.find(id);
    // The one before may have made the track malformed, which has stopped the others.
    if (track == nullptr || found == streams_.end() || found->second->state != State::kHeld) continue;
    read_held(*found->second, *track);
    forget_finished(id);
  }
  while (auto datagram = held_datagrams_.take(alias)) {
    ReceivedTrack* track = tracks_.find(alias);
    if (track == nullptr) continue;
    if (const auto decoded = codec_.decode_object_datagram(*datagram); decoded.ok()) {
      deliver_datagram(*track, *datagram, *decoded);
    }
  }
}

void IncomingData::read_held(IncomingStream& stream, ReceivedTrack& track) {
  leave_held(stream);
  const std::vector<base::SharedBytes> held = std::exchange(stream.held, {});
  const bool fin = std::exchange(stream.fin, false);
  open(stream, track);
  for (std::size_t i = 0; i + 1 < held.size() && stream.opened(); ++i) read_objects(stream, held[i]);
  stream.fin = fin;
  if (!stream.opened()) return;
  const IncomingStreamId id = stream.id;
  read_objects(stream, held.empty() ? base::SharedBytes{} : held.back());  // with FIN, the stream is gone after this
  pause(id, false);
}

void IncomingData::retire_alias(std::uint64_t alias, const FullTrackName& name) {
  if (tracks_.find(alias) != nullptr) return;
  tracks_.retire(alias, name);
  for (const IncomingStreamId id : held_for(alias)) {
    give_up(*streams_.at(id), StreamResetCode::kCancelled);
    forget_finished(id);
  }
}

std::uint64_t IncomingData::streams_seen(RequestHandle subscription) const noexcept {
  ReceivedTrack* const track = tracks_.of(subscription);
  return track == nullptr ? 0 : track->receiver(subscription)->streams_seen;
}

std::size_t IncomingData::streams_open(RequestHandle subscription) const noexcept {
  ReceivedTrack* const track = tracks_.of(subscription);
  return track == nullptr ? 0 : track->receiver(subscription)->streams_open;
}

bool IncomingData::uses_datagrams(RequestHandle subscription) const noexcept {
  const ReceivedTrack* track = tracks_.of(subscription);
  return track != nullptr && track->uses_datagrams();
}

}  // namespace msquic_py::moqt::session
