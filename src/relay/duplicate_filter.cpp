#include "relay/duplicate_filter.h"

namespace msquic_py::relay {

DuplicateFilter::Group* DuplicateFilter::group_of(std::uint64_t group) {
  if (forgotten_up_to_ && group <= *forgotten_up_to_) return nullptr;
  Group& found = groups_[group];
  if (groups_.size() > kGroups) {
    const auto oldest = groups_.begin();
    forgotten_up_to_ = oldest->first;
    const bool forgot_this_one = oldest->first == group;
    groups_.erase(oldest);
    if (forgot_this_one) return nullptr;
  }
  return &found;
}

bool DuplicateFilter::admit(moqt::Location location, std::uint64_t subgroup) {
  Group* group = group_of(location.group);
  if (group == nullptr) return false;
  const auto [found, first] = group->last_object.try_emplace(subgroup, location.object);
  if (first) return true;
  if (location.object <= found->second) return false;
  found->second = location.object;
  return true;
}

bool DuplicateFilter::admit_datagram(moqt::Location location) {
  Group* group = group_of(location.group);
  if (group == nullptr || group->datagrams.size() >= kDatagramsPerGroup) return false;
  return group->datagrams.insert(location.object).second;
}

}  // namespace msquic_py::relay
