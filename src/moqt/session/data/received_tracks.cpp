#include "moqt/session/data/received_tracks.h"

namespace msquic_py::moqt::session {

ReceivedTrack* ReceivedTracks::find(std::uint64_t alias) const noexcept {
  const auto found = by_alias_.find(alias);
  return found == by_alias_.end() ? nullptr : found->second.get();
}

ReceivedTrack* ReceivedTracks::of(RequestHandle subscription) const noexcept {
  for (const auto& [alias, track] : by_alias_) {
    if (track->receiver(subscription) != nullptr) return track.get();
  }
  return nullptr;
}

bool ReceivedTracks::add(RequestHandle subscription, const FullTrackName& name, std::uint64_t alias,
                         std::uint8_t publisher_priority, bool mixed, const WantedObjects& wanted) {
  if (ReceivedTrack* track = find(alias)) {
    if (track->name() != name) return false;  // [d15 §9.10-2, §9.13-2]
    track->add(subscription, wanted);
    return true;
  }
  auto track = std::make_unique<ReceivedTrack>(name, alias, publisher_priority, mixed);
  track->add(subscription, wanted);
  by_alias_.emplace(alias, std::move(track));
  (void)retired_.take(alias);
  return true;
}

void ReceivedTracks::remove(const ReceivedTrack& track) {
  const std::uint64_t alias = track.alias();
  by_alias_.erase(alias);
  retire(alias);
}

void ReceivedTracks::retire(std::uint64_t alias) {  // [d15 §10.1-1]
  if (find(alias) == nullptr && !retired(alias)) retired_.add(alias);
}

}  // namespace msquic_py::moqt::session
