#include "relay/track_table.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::relay {

Track* TrackTable::find(const moqt::FullTrackName& name) const {
  const auto found = tracks_.find(name);
  return found == tracks_.end() ? nullptr : found->second.get();
}

Track* TrackTable::find_or_create(const moqt::FullTrackName& name) {
  if (const auto found = tracks_.find(name); found != tracks_.end()) {
    if (std::exchange(found->second->idle, false)) --idle_;
    count();
    return found->second.get();
  }
  if (tracks_.size() >= limits_.max_tracks || !ledger_.process().has_room()) {
    // One that is only kept for those who may ask makes room.
    const auto idle =
        std::find_if(tracks_.begin(), tracks_.end(), [](const auto& entry) { return !entry.second->in_use(); });
    if (idle == tracks_.end()) {
      if (tracks_.size() < limits_.max_tracks) ++counters_.memory_refusals;
      return nullptr;
    }
    erase(*idle->second);
  }
  Track& made =
      *tracks_.emplace(name, std::make_unique<Track>(name, limits_, counters_, ledger_.open_track())).first->second;
  count();
  return &made;
}

void TrackTable::count() noexcept {
  counters_.tracks = tracks_.size() - idle_;
  counters_.cached_tracks = idle_;
}

void TrackTable::release(Track& track) {
  if (track.in_use()) return;
  if (track.store().groups().empty()) return erase(track);
  if (!std::exchange(track.idle, true)) ++idle_;
  count();
}

void TrackTable::erase(Track& track) {
  evicted_by_past_tracks_ += track.store().groups_evicted();
  past_deliveries_ += track.publisher().account();
  offers_.erase(track.offer);
  set_alarm(track, std::nullopt);
  if (track.idle) --idle_;
  tracks_.erase(moqt::FullTrackName(track.name()));  // a copy: the key must outlive the track
  count();
}

void TrackTable::offer(Track& track) {
  offers_.erase(track.offer);
  track.offer = next_offer_++;
  offers_.emplace(track.offer, &track);
}

void TrackTable::set_alarm(Track& track, std::optional<moqt::session::Time> due) {
  if (track.alarm == due) return;
  if (track.alarm) alarms_.erase({*track.alarm, &track});
  if (due) alarms_.emplace(*due, &track);
  track.alarm = due;
}

Track* TrackTable::take_due(moqt::session::Time now) {
  if (alarms_.empty() || alarms_.begin()->first > now) return nullptr;
  Track* const track = alarms_.begin()->second;
  set_alarm(*track, std::nullopt);
  return track;
}

moqt::objects::DeliveryAccount TrackTable::account() const {
  moqt::objects::DeliveryAccount sum = past_deliveries_;
  for_each([&](Track& track) { sum += track.publisher().account(); });
  return sum;
}

bool TrackTable::too_much(std::size_t bytes) const noexcept {
  const std::size_t limit = limits_.memory.tracks;
  // What a group holds comes back only when transports have let go of it: dropping more would not help.
  const bool held = ledger_.tracks().bytes() > limit || !ledger_.process().has_room();
  return bytes > limit || (held && bytes > limit / 2);
}

void TrackTable::settle(moqt::session::Time now) {
  std::size_t bytes = 0;
  std::uint64_t evicted = evicted_by_past_tracks_;
  std::vector<Track*> over;
  for (const auto& [name, track] : tracks_) {
    track->publisher().settle(now);
    bytes += track->store().bytes();
    evicted += track->store().groups_evicted();
    if (!track->in_use() && track->store().groups().empty()) over.push_back(track.get());
  }
  for (Track* track : over) erase(*track);
  while (too_much(bytes)) {
    const auto most = std::max_element(tracks_.begin(), tracks_.end(), [](const auto& left, const auto& right) {
      return left.second->store().bytes() < right.second->store().bytes();
    });
    if (most == tracks_.end()) break;
    const std::size_t before = most->second->store().bytes();
    if (!most->second->store().evict_oldest()) break;
    ++evicted;
    bytes -= before - most->second->store().bytes();
  }
  counters_.cached_bytes = bytes;
  counters_.groups_evicted = evicted;
}

std::optional<moqt::session::Time> TrackTable::next_deadline() const {
  std::optional<moqt::session::Time> next;
  if (!alarms_.empty()) next = alarms_.begin()->first;
  for (const auto& [name, track] : tracks_) {
    const auto due = track->publisher().next_deadline();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

}  // namespace msquic_py::relay
