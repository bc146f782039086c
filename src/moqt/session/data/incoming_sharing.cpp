// Whose an object is where several subscriptions share a Track Alias (draft-22 section 3.1): the publisher sends it
// once for each of them that it matches and does not say for which, so that it is for all whose filters pass it.
// Whoever reads one of them meets an object again that two of them want.
#include <utility>
#include <vector>

#include "moqt/session/data/incoming_data.h"

namespace msquic_py::moqt::session {

void IncomingData::set_wanted(RequestHandle subscription, const WantedObjects& wanted) {
  ReceivedTrack* const track = tracks_.of(subscription);
  if (track != nullptr) track->receiver(subscription)->wanted = wanted;
}

void IncomingData::close_to_new_streams(RequestHandle subscription) {
  ReceivedTrack* const track = tracks_.of(subscription);
  if (track != nullptr) track->receiver(subscription)->closing = true;
}

bool IncomingData::shares_alias(RequestHandle subscription) const noexcept {
  const ReceivedTrack* const track = tracks_.of(subscription);
  return track != nullptr && (track->shared || track->expected);
}

void IncomingData::join(IncomingStream& stream, ReceivedTrack::Receiver& receiver,
                        const SubgroupProperties& properties) {
  if (stream.taker.subscription) {
    stream.others.push_back({receiver.subscription});
  } else {
    stream.taker = {receiver.subscription};
  }
  ++receiver.streams_seen;
  ++receiver.streams_open;
  context_.emit(SubgroupOpened{receiver.subscription, stream.id, properties});
}

void IncomingData::choose_takers(IncomingStream& stream, Location location, base::Bytes extensions) {
  ObjectFilter::Object object;
  object.subgroup = stream.properties.subgroup;
  object.id = location.object;
  object.publisher_priority = *stream.properties.publisher_priority;
  const auto property = [&](std::uint64_t type) { return codec_.find_number(extensions, type); };
  for (ReceivedTrack::Receiver& receiver : stream.track->receivers) {
    const bool wants = receiver.wanted.wants(location, object, property);
    if (IncomingStream::Taker* const taker = stream.taker_of(receiver.subscription)) {
      taker->takes = wants;
    } else if (wants && !receiver.closing) {
      SubgroupProperties properties = stream.properties;
      properties.first_object = false;  // it may have had some before
      join(stream, receiver, properties);
    }
  }
}

std::vector<RequestHandle> IncomingData::leave_takers(IncomingStream& stream) {
  std::vector<RequestHandle> left;
  stream.for_each_taker([&](const IncomingStream::Taker& taker) {
    left.push_back(taker.subscription);
    if (ReceivedTrack::Receiver* const receiver = stream.track->receiver(taker.subscription)) --receiver->streams_open;
  });
  --stream.track->streams_open;
  return left;
}

void IncomingData::remove_track(RequestHandle subscription) {  // [d15 §9.15-4]
  ReceivedTrack* track = tracks_.of(subscription);
  if (track == nullptr) return;
  std::erase_if(track->receivers, [&](const auto& each) { return each.subscription == subscription; });
  if (track->receivers.empty() && !track->expected) return forget(*track);
  for (const auto& [id, stream] : streams_) {
    if (stream->track != track) continue;
    stream->remove_taker(subscription);
    // What began before the other subscription was asked for is not for that one.
    if (track->receivers.empty() && !stream->early) give_up(*stream, StreamResetCode::kCancelled);
  }
}

void IncomingData::forget(const ReceivedTrack& track) {
  for (const auto& [id, stream] : streams_) {
    if (stream->opened() && stream->track == &track) give_up(*stream, StreamResetCode::kCancelled);
  }
  early_.drop(track.alias());
  tracks_.remove(track);
}

}  // namespace msquic_py::moqt::session
