#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "moqt/model/location.h"
#include "moqt/objects/interval_set.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::pubsub {

/// What a subscriber has of a track, across the sessions that it comes on one after the other: what comes a second time
/// is not taken, and what has not come can be asked for (FETCH) where a subscription begins anew.
///
/// Everything before one place, the floor, is settled: it was taken, does not exist, or has been given up. Behind the
/// floor each object is known by its run of Object IDs, so that it costs memory by the gap. Not thread-safe.
class TrackProgress {
 public:
  /// How long what is missing is waited for while later objects come. What was missing longer was lost before the
  /// session was: skipped, cut, or never there. It is settled.
  static constexpr auto kPatience = std::chrono::seconds(10);
  /// Gaps in one group that are remembered; beyond it the oldest are settled.
  static constexpr std::size_t kMostGaps = 256;

  /// An object has come. False: it was taken before, or is settled.
  bool take(Location place, session::Time now);
  /// No object of its group lies at `place` or behind it.
  void end_group(Location place, session::Time now);
  /// Everything before `place` is settled.
  void pass(Location place);
  /// The track begins anew: what came until now says nothing of what comes.
  void restart(Location floor);

  /// The first place that may be missing; everything before it is settled. `now`: what has been missing for too long is
  /// settled first.
  Location floor(session::Time now);
  [[nodiscard]] Location floor() const noexcept { return floor_; }
  /// The largest object that was taken.
  [[nodiscard]] const std::optional<Location>& largest() const noexcept { return largest_; }
  /// Objects that came more than once.
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }

 private:
  struct Group {
    objects::IntervalSet objects;
    session::Time began{};   ///< when its first object came
    session::Time latest{};  ///< when the latest did
  };

  /// Moves the floor over what is taken, and over what has been missing for too long.
  void settle(std::optional<session::Time> now);
  void drop_below_floor();

  Location floor_;
  std::map<std::uint64_t, Group> groups_;  ///< from the floor's on
  std::optional<Location> largest_;
  std::uint64_t repeated_ = 0;
};

}  // namespace msquic_py::moqt::pubsub
