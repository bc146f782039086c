#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "simulation/script.h"

namespace msquic_py::simulation {

/// An object as its publisher made it.
struct PublishedObject {
  std::uint64_t subgroup = 0;
  std::uint64_t size = 0;
  bool whole = true;  ///< not: only a part was sent before the stream was reset
  /// The sessions of the publisher were asked to send it; else nobody wanted it there.
  bool offered = false;
};

/// Which groups and subgroups a track has, and what became of them at the publisher.
struct PublishedSubgroup {
  bool finished = false;  ///< with FIN
  bool cut = false;       ///< reset, by the application or by its session
};

using SubgroupName = std::pair<std::uint64_t, std::uint64_t>;  ///< group, subgroup

/// Everything that was published of a track.
struct TrackJournal {
  moqt::FullTrackName name;
  TrackPlan plan;
  std::map<moqt::Location, PublishedObject> objects;
  std::map<SubgroupName, PublishedSubgroup> subgroups;
  int publisher_losses = 0;  ///< how often its publisher's session ended
};

/// What was published in a run, and what did not go as it must.
class Journal {
 public:
  explicit Journal(const Script& script);

  [[nodiscard]] TrackJournal& track(std::size_t number) { return tracks_[number]; }
  [[nodiscard]] std::optional<std::size_t> find(const moqt::FullTrackName& name) const;
  [[nodiscard]] std::size_t size() const noexcept { return tracks_.size(); }

  /// The payload that an object has to have: it follows from where the object is.
  [[nodiscard]] static base::ByteVector payload(std::size_t track, moqt::Location location, std::uint64_t size);

  void fault(std::string what);
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

  /// Something may have taken datagrams away.
  bool datagrams_may_be_lost = false;

 private:
  std::vector<TrackJournal> tracks_;
  std::vector<std::string> faults_;
};

std::string text(moqt::Location location);

}  // namespace msquic_py::simulation
