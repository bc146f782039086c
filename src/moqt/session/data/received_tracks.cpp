#include "moqt/session/data/received_tracks.h"

#include <algorithm>

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
    if (track->receivers.empty()) track->set_publisher_priority(publisher_priority);
    track->add(subscription, wanted);
    return true;
  }
  auto track = std::make_unique<ReceivedTrack>(name, alias, publisher_priority, mixed);
  track->add(subscription, wanted);
  by_alias_.emplace(alias, std::move(track));
  std::erase_if(retired_, [alias](const Retired& each) { return each.alias == alias; });
  return true;
}

void ReceivedTracks::remove(const ReceivedTrack& track) {
  const std::uint64_t alias = track.alias();
  const auto removed = by_alias_.extract(alias);
  retire(alias, removed.mapped()->name());
}

void ReceivedTracks::retire(std::uint64_t alias, const FullTrackName& name) {  // [d15 §10.1-1]
  if (find(alias) != nullptr || retired(alias)) return;
  if (retired_.size() == kRetiredAliases) retired_.erase(retired_.begin());
  retired_.push_back({alias, name.hash()});
}

bool ReceivedTracks::retired(std::uint64_t alias) const noexcept {
  return std::any_of(retired_.begin(), retired_.end(), [alias](const Retired& each) { return each.alias == alias; });
}

std::vector<std::uint64_t> ReceivedTracks::reopen(const FullTrackName& name) {
  std::vector<std::uint64_t> reopened;
  std::erase_if(retired_, [&](const Retired& each) {
    if (each.name_hash != name.hash()) return false;
    reopened.push_back(each.alias);
    return true;
  });
  return reopened;
}

}  // namespace msquic_py::moqt::session
