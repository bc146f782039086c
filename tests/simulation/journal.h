#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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
  /// The session of a publisher was asked to send it; else nobody wanted it there.
  bool offered = false;
  /// It was never whole, and the answer to a FETCH had nothing in its place: it does not exist [d15 §9.16.3], and who
  /// knows that may finish the stream that it was to come on [d15 §10.4.3].
  bool denied = false;
};

/// A subgroup as its publishers made it.
struct PublishedSubgroup {
  bool ended = false;         ///< no more objects are made for it
  std::set<std::size_t> cut;  ///< publishers that have not sent all of it, or reset it
};

using SubgroupName = std::pair<std::uint64_t, std::uint64_t>;  ///< group, subgroup

/// An object that is to be published now.
struct NewObject {
  std::size_t track = 0;
  SubgroupName subgroup;
  moqt::Location location;
  std::uint64_t size = 0;
};

/// Everything that was published of a track, by one publisher or by several that publish the same.
struct TrackJournal {
  moqt::FullTrackName name;
  TrackPlan plan;
  std::uint64_t group = 0;                             ///< that is being made
  std::map<std::uint64_t, std::uint64_t> next_object;  ///< by group
  std::optional<moqt::Location> largest;
  std::map<moqt::Location, PublishedObject> objects;
  std::map<SubgroupName, PublishedSubgroup> subgroups;
  std::set<std::size_t> connected;  ///< publishers that the relay knows and can hear
  int losses = 0;                   ///< how often there was none left
  bool fetched = false;             ///< somebody has asked for objects with FETCH

  void disconnect(std::size_t publisher) {
    connected.erase(publisher);
    if (connected.empty()) ++losses;
  }
  [[nodiscard]] bool published_by(std::size_t client) const;
  /// No publisher has sent all of it.
  [[nodiscard]] bool cut_by_all(SubgroupName subgroup) const;
  /// Whether objects of it reach a relay in several ways, which may not tell that the one after `latest` in the
  /// subgroup is the next one, as there are IDs between them; or may bring one that comes before `first` later.
  [[nodiscard]] bool next_may_be_unknown(SubgroupName subgroup, moqt::Location first, moqt::Location latest) const;
};

/// What was published in a run, and what did not go as it must.
class Journal {
 public:
  explicit Journal(const Script& script);

  /// Makes the next object of a track in subgroup `choice` of its group; nothing when that has ended.
  std::optional<NewObject> make_object(std::size_t track, std::uint64_t choice, std::uint64_t size, bool whole);
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
