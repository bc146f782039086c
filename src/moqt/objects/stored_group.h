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
  session::Time since{};  ///< when the newest object came
  /// No object of a subgroup that came has a larger ID. Known without a look at every subgroup, of which there may be
  /// one for each object.
  std::optional<std::uint64_t> top;
  void note(std::uint64_t object) noexcept { top = top ? std::max(*top, object) : object; }

  [[nodiscard]] std::size_t bytes() const noexcept;
  /// Whether a stream brings objects of it now.
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

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [id, subgroup] : subgroups) visit(*subgroup);
    if (datagrams) visit(*datagrams);
  }

 private:
  std::uint64_t id_;
  std::uint64_t serial_;
};

}  // namespace msquic_py::moqt::objects
