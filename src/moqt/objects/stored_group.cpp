#include "moqt/objects/stored_group.h"

#include <algorithm>

namespace msquic_py::moqt::objects {

namespace {

/// Objects and runs of absent ones that are looked at to find out what lies between two objects.
constexpr std::size_t kMostLooks = 64;

}  // namespace

std::size_t StoredGroup::bytes() const noexcept {
  std::size_t sum = kGroupRecord;
  for_each([&](const StoredSubgroup& subgroup) { sum += subgroup.bytes(); });
  return sum;
}

bool StoredGroup::open() const noexcept {
  bool any = false;
  for_each([&](const StoredSubgroup& subgroup) { any = any || subgroup.writers > 0 || subgroup.awaited; });
  return any;
}

bool StoredGroup::behind() const noexcept {
  bool any = false;
  for_each([&](const StoredSubgroup& subgroup) {
    any = any || std::any_of(subgroup.deliveries.begin(), subgroup.deliveries.end(),
                             [](const SubgroupDelivery& delivery) { return delivery.behind; });
  });
  return any;
}

std::optional<StoredGroup::Found> StoredGroup::at_or_after(std::uint64_t id) const noexcept {
  std::optional<Found> best;
  std::uint64_t best_id = 0;
  for_each([&](StoredSubgroup& subgroup) {
    const std::uint64_t place = subgroup.lower_bound(id);
    if (place == subgroup.end()) return;
    const std::uint64_t found = subgroup.at(place).id;
    if (best && best_id <= found) return;
    best = Found{&subgroup, place};
    best_id = found;
  });
  return best;
}

bool StoredGroup::has_elsewhere(const StoredSubgroup& but, std::uint64_t id) const noexcept {
  if (subgroups.size() < 2 || !top || id > *top) return false;
  return std::any_of(subgroups.begin(), subgroups.end(), [&](const auto& entry) {
    if (entry.second.get() == &but) return false;
    const auto place = entry.second->find(id);
    return place && entry.second->at(*place).status == ObjectStatus::kNormal;
  });
}

bool StoredGroup::known(const StoredSubgroup& subgroup, std::uint64_t id, std::uint64_t behind,
                        bool own) const noexcept {
  for (std::size_t looks = 0; id < behind; ++looks) {
    if (looks == kMostLooks) return false;
    if (absent.contains(id)) {
      const std::uint64_t last = absent.last_of_run(id);
      if (last >= behind - 1) return true;
      id = last + 1;
      continue;
    }
    const auto found = at_or_after(id);
    if (!found || found->subgroup->at(found->place).id != id) return false;
    if (found->subgroup == &subgroup && (!own || found->subgroup->at(found->place).fetched)) return false;
    ++id;
  }
  return true;
}

std::optional<std::uint64_t> StoredGroup::largest() const noexcept {
  std::optional<std::uint64_t> largest;
  for_each([&](const StoredSubgroup& subgroup) {
    if (const auto of = subgroup.largest()) largest = std::max(largest.value_or(0), *of);
  });
  return largest;
}

}  // namespace msquic_py::moqt::objects
