#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "moqt/objects/interval_set.h"
#include "moqt/objects/stored_subgroup.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// What a track store has, and knows, of one group.
class StoredGroup {
 public:
  StoredGroup(std::uint64_t id, std::uint64_t serial) noexcept : id_(id), serial_(serial) {}

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// Groups count in the order in which their first object came, whatever their IDs.
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }

  /// By Subgroup ID.
  std::map<std::uint64_t, std::unique_ptr<StoredSubgroup>> subgroups;
  std::unique_ptr<StoredSubgroup> datagrams;
  /// Objects that are known not to exist.
  IntervalSet absent;
  /// No object of the group lies at or behind it.
  std::optional<std::uint64_t> end;
  session::Time begun{};  ///< when the first object came
  session::Time since{};  ///< when the newest one did
  void touch(session::Time now) noexcept {
    if (begun == session::Time{}) begun = now;
    since = now;
  }
  bool returned = false;  ///< it was here before, and was dropped: subscriptions have been given what there was of it
  /// No object of a subgroup that came has a larger ID. Known without a look at every subgroup, of which there may be
  /// one for each object.
  std::optional<std::uint64_t> top;
  void note(std::uint64_t object) noexcept { top = top ? std::max(*top, object) : object; }

  /// With what the records take, its own included.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// Whether a stream brings objects of it now, or one is awaited that goes on with it.
  [[nodiscard]] bool open() const noexcept;
  /// Whether a subscription has not been given all that it is to have.
  [[nodiscard]] bool behind() const noexcept;
  /// The object with the smallest ID that is not below `id`.
  struct Found {
    StoredSubgroup* subgroup;
    std::uint64_t place;
  };
  [[nodiscard]] std::optional<Found> at_or_after(std::uint64_t id) const noexcept;
  /// Whether a subgroup other than `but` has an object of that ID that exists.
  [[nodiscard]] bool has_elsewhere(const StoredSubgroup& but, std::uint64_t id) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> largest() const noexcept;
  /// Whether it is known that no object of `subgroup` has an ID between these two, which are not asked about: each
  /// between them does not exist or belongs to another subgroup [d15 §10.4.3]. No when that takes long to find out.
  [[nodiscard]] bool nothing_between(const StoredSubgroup& subgroup, std::uint64_t before,
                                     std::uint64_t after) const noexcept {
    return known(subgroup, before + 1, after, /*own=*/false);
  }
  /// Whether every object of `subgroup` that has one of the IDs from `first` to before `behind` has come for
  /// subscriptions, as far as is known.
  [[nodiscard]] bool all_came(const StoredSubgroup& subgroup, std::uint64_t first,
                              std::uint64_t behind) const noexcept {
    return known(subgroup, first, behind, /*own=*/true);
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [id, subgroup] : subgroups) visit(*subgroup);
    if (datagrams) visit(*datagrams);
  }

 private:
  [[nodiscard]] bool known(const StoredSubgroup& subgroup, std::uint64_t id, std::uint64_t behind,
                           bool own) const noexcept;

  std::uint64_t id_;
  std::uint64_t serial_;
};

/// What a group takes beside its subgroups: its record and its places in two maps.
inline constexpr std::size_t kGroupRecord = sizeof(StoredGroup) + 2 * kRecordOverhead;

}  // namespace msquic_py::moqt::objects
