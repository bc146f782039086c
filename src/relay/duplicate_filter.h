#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "moqt/model/location.h"

namespace msquic_py::relay {

/// Remembers which objects of a track have been forwarded, so that a second publisher's copies are not (section 8.3).
/// Memory is bounded: groups that are kGroups behind the newest are forgotten, and their late objects are dropped.
class DuplicateFilter {
 public:
  static constexpr std::size_t kGroups = 32;
  static constexpr std::size_t kDatagramsPerGroup = 4096;

  /// Whether this object of a subgroup is new; it counts as seen from now on. Within a subgroup objects ascend.
  bool admit(moqt::Location location, std::uint64_t subgroup);
  /// The same for an object that came as a datagram, in any order.
  bool admit_datagram(moqt::Location location);

 private:
  struct Group {
    std::map<std::uint64_t, std::uint64_t> last_object;  ///< by subgroup
    std::set<std::uint64_t> datagrams;
  };
  Group* group_of(std::uint64_t group);

  std::map<std::uint64_t, Group> groups_;
  std::optional<std::uint64_t> forgotten_up_to_;
};

}  // namespace msquic_py::relay
