#include "simulation/journal.h"

#include "transport/memory/random.h"

namespace msquic_py::simulation {

namespace {

constexpr std::size_t kMostFaults = 20;

}  // namespace

Journal::Journal(const Script& script) {
  for (std::size_t number = 0; number < script.tracks.size(); ++number) {
    const std::string publisher = std::to_string(script.tracks[number].publisher);
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
