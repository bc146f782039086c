#include "simulation/journal.h"

#include <algorithm>

#include "transport/memory/random.h"

namespace msquic_py::simulation {

namespace {

constexpr std::size_t kMostFaults = 20;

}  // namespace

Journal::Journal(const Script& script) {
  for (std::size_t number = 0; number < script.tracks.size(); ++number) {
    const std::string publisher = std::to_string(script.tracks[number].publishers.front());
    const std::string name = std::to_string(number);
    // Those of a PUBLISH are in a namespace of their own, which nobody announces.
    const char* kind = script.tracks[number].announced_by_publish ? "offered" : "announced";
    TrackJournal& track = tracks_.emplace_back();
    track.name = {moqt::TrackNamespace{kind, publisher}, name};
    track.plan = script.tracks[number];
  }
  for (const auto& link : script.links) {
    datagrams_may_be_lost |= link.to_server.loss_per_million + link.to_client.loss_per_million > 0;
  }
}

bool TrackJournal::published_by(std::size_t client) const {
  return std::find(plan.publishers.begin(), plan.publishers.end(), client) != plan.publishers.end();
}

bool TrackJournal::cut_by_all(SubgroupName subgroup) const {
  const auto found = subgroups.find(subgroup);
  return found != subgroups.end() && found->second.cut.size() == plan.publishers.size();
}

bool TrackJournal::next_may_be_unknown(SubgroupName subgroup, moqt::Location first, moqt::Location latest) const {
  // One whose subscription began in the middle of the group may be faster than another: a relay then has several
  // streams of a subgroup, neither of which it knows to be whole, and those behind it know no more.
  if (plan.publishers.size() > 1) return true;
  if (!fetched) return false;
  const auto of_it = [&](const auto& entry) {
    return SubgroupName{entry.first.group, entry.second.subgroup} == subgroup;
  };
  if (std::any_of(objects.begin(), objects.lower_bound(first), of_it)) return true;
  const auto next = std::find_if(objects.upper_bound(latest), objects.end(), of_it);
  return next != objects.end() && next->first.object != latest.object + 1;
}

std::optional<NewObject> Journal::make_object(std::size_t number, std::uint64_t choice, std::uint64_t size,
                                              bool whole) {
  TrackJournal& track = tracks_[number];
  const SubgroupName name{track.group, track.plan.datagrams ? 0 : choice};
  if (!track.plan.datagrams && track.subgroups[name].ended) return std::nullopt;
  // Object IDs of a group ascend over all its subgroups, now and then with one left out.
  std::uint64_t& next = track.next_object[track.group];
  const moqt::Location location{track.group, next + (size % 7 == 3 ? 1 : 0)};
  next = location.object + 1;
  if (track.plan.datagrams) size %= 1'000;
  PublishedObject& object = track.objects[location];
  object.subgroup = name.second;
  object.size = size;
  object.whole = whole;
  if (!track.largest || *track.largest < location) track.largest = location;
  return NewObject{number, name, location, size};
}

std::optional<std::size_t> Journal::find(const moqt::FullTrackName& name) const {
  for (std::size_t number = 0; number < tracks_.size(); ++number) {
    if (tracks_[number].name == name) return number;
  }
  return std::nullopt;
}

base::ByteVector Journal::payload(std::size_t track, moqt::Location location, std::uint64_t size) {
  transport::memory::Random random(track * 1'000'003 + location.group * 1'009 + location.object);
  base::ByteVector bytes(static_cast<std::size_t>(size));
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

void Journal::fault(std::string what) {
  if (faults_.size() < kMostFaults) faults_.push_back(std::move(what));
}

std::string text(moqt::Location location) {
  return std::to_string(location.group) + "/" + std::to_string(location.object);
}

}  // namespace msquic_py::simulation
