#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "moqt/model/location.h"
#include "moqt/objects/interval_set.h"

namespace msquic_py::moqt::pubsub {

/// Where the objects of a track that have been received lie, as far as it is remembered: of so many groups and runs,
/// the highest ones.
class ReceivedLocations {
 public:
  static constexpr std::size_t kGroups = 64;
  static constexpr std::size_t kRuns = 64;  ///< of one group

  /// False for one that is known.
  bool add(Location location);

 private:
  std::map<std::uint64_t, objects::IntervalSet> groups_;
  objects::IntervalSet* latest_ = nullptr;  ///< of `latest_group_`: most objects come in turn
  std::uint64_t latest_group_ = 0;
};

}  // namespace msquic_py::moqt::pubsub
