#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "base/shared_bytes.h"
#include "moqt/model/location.h"
#include "moqt/objects/interval_set.h"
#include "moqt/objects/retention.h"
#include "moqt/objects/stored_group.h"
#include "moqt/objects/stored_subgroup.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// The objects of one track, as far as they are here, and what is known of those that are not: a place of the track has
/// an object, or certainly has none, or nobody here knows [d15 §9.16.3].
class TrackStore {
 public:
  enum class Knowledge : std::uint8_t {
    /// The original publisher's: what is not here, and has not been dropped, was never published.
    kAll,
    /// A relay's: what is not here is unknown unless something said that it does not exist.
    kWhatCame,
  };

  /// Its records are charged to `account`; bytes are charged by the slabs they lie in.
  TrackStore(Retention retention, Knowledge knowledge, std::shared_ptr<base::Account> account = nullptr) noexcept
      : retention_(retention), knowledge_(knowledge), account_(std::move(account)), group_records_(account_) {}
  TrackStore(const TrackStore&) = delete;
  TrackStore& operator=(const TrackStore&) = delete;

  // ---- writing ----

  struct Writable {
    StoredGroup* group;
    StoredSubgroup* subgroup;
  };
  /// The subgroup, made if it is not here. Pointers are good while the subgroup has a writer.
  Writable subgroup(const session::SubgroupProperties& properties, session::Time now);
  Writable datagrams(std::uint64_t group, session::Time now);
  /// An object begins; it is the largest of the track if none was larger.
  void note(Location location) noexcept;
  /// An object in `subgroup` has grown by so many bytes, and its records perhaps by some.
  void charge(StoredSubgroup& subgroup, std::size_t bytes) noexcept {
    subgroup.add_bytes(bytes);
    bytes_ += bytes + subgroup.count_records();
  }

  // ---- what is known ----

  /// The track has no object behind this one.
  void set_last(Location last) noexcept { last_ = last; }
  [[nodiscard]] std::optional<Location> last() const noexcept { return last_; }
  void set_absent_groups(std::uint64_t first, std::uint64_t last) { absent_groups_.add(first, last); }
  /// Everything that exists from `start` up to `end` is here: a FETCH has been answered. `end` is as in FETCH: the last
  /// location plus one, object 0 for all of the group.
  void set_known(Location start, Location end, session::Time now);
  /// A FETCH in ascending order that has come to `from` goes on with an object at `at`: nothing exists between. To be
  /// said as it comes: what has come may be dropped again before the end of it.
  void set_nothing_between(Location from, Location at, session::Time now);
  /// Nobody is going to say where the groups below the largest end: those that came whole, as far as can be seen, are
  /// taken for whole.
  void assume_ended(Location start, Location end);

  // ---- reading ----

  [[nodiscard]] std::optional<Location> largest() const noexcept { return largest_; }
  /// What its objects take, records included.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The serial that the next new group gets.
  [[nodiscard]] std::uint64_t next_serial() const noexcept { return next_serial_; }
  [[nodiscard]] const std::map<std::uint64_t, StoredGroup>& groups() const noexcept { return groups_; }
  [[nodiscard]] StoredGroup* find(std::uint64_t group) noexcept;
  [[nodiscard]] StoredSubgroup* find(std::uint64_t group, std::uint64_t subgroup) noexcept;
  /// Whether the group was here and has been dropped: what comes of it now may have come before.
  [[nodiscard]] bool dropped(std::uint64_t group) const noexcept { return dropped_groups_.contains(group); }

  struct Look {
    enum class Kind : std::uint8_t {
      kObject,      ///< `subgroup` has it at `place`
      kNothing,     ///< nothing exists before object `next` of the group
      kEndOfGroup,  ///< nothing exists from here on in the group
      kUnknown,     ///< perhaps it exists
      kNotYet,      ///< perhaps it comes: a subgroup that may have it is being written
    };
    Kind kind = Kind::kUnknown;
    StoredSubgroup* subgroup = nullptr;
    std::uint64_t place = 0;
    std::uint64_t next = 0;
  };
  [[nodiscard]] Look look(Location location) noexcept;
  /// Whether an object is too old at `now` to be given to anybody who begins with it.
  [[nodiscard]] bool too_old(const StoredObject& object, session::Time now) const noexcept {
    return max_age_ && object.since != session::Time{} && now - object.since >= *max_age_;
  }
  /// The first location from `start` on, before `end`, of which nothing is known, or whose object is too old at `now`;
  /// nothing if there is none.
  [[nodiscard]] std::optional<Location> first_unknown(Location start, Location end, session::Time now) noexcept;
  /// Whether an object of the range is here that is not too old.
  [[nodiscard]] bool holds_any(Location start, Location end, session::Time now) noexcept;
  /// Where what is unknown, or too old, at `from` ends, not behind `end`: the next place of which something is known.
  /// As the end of a FETCH: the last location plus one, object 0 for all of the group.
  [[nodiscard]] Location end_of_unknown(Location from, Location end, session::Time now) noexcept;
  /// The first group, not below `lowest`, of those without a gap before `group` of which nothing is known.
  [[nodiscard]] std::uint64_t first_of_unknown(std::uint64_t group, std::uint64_t lowest) const noexcept;
  /// The next group from `group` on that may have objects, up to `last`.
  [[nodiscard]] std::optional<std::uint64_t> next_group(std::uint64_t group, std::uint64_t last) const noexcept;
  /// The same downwards, to `first`.
  [[nodiscard]] std::optional<std::uint64_t> previous_group(std::uint64_t group, std::uint64_t first) const noexcept;

  /// The first place, from `start` on and up to the largest object, that may have an object which has not come, or has
  /// come in part: what a publisher is to be asked for that takes the place of a lost one. Behind the largest object
  /// when nothing seems to be missing; {0, 0} when nothing is known. What was on its way when the publisher was lost is
  /// of its newest groups: only the newest and the one before it are looked at, and those that are still open. The one
  /// before the first that came is that of the object behind which the subscription began.
  [[nodiscard]] Location first_missing(Location start) const noexcept {
    return largest_ ? first_missing(start, *largest_) : start;
  }
  /// The same up to `last`, where what another publisher brings by itself begins: what lies behind it says nothing of
  /// what was on its way.
  [[nodiscard]] Location first_missing(Location start, Location last) const noexcept;

  // ---- holding ----

  /// Subscriptions are given nothing more of these groups until release(): objects that lie before some that are here
  /// are on their way.
  void hold(std::uint64_t first, std::uint64_t last) noexcept { held_ = IntervalSet::Interval{first, last}; }
  void release() noexcept { held_.reset(); }
  [[nodiscard]] const std::optional<IntervalSet::Interval>& held() const noexcept { return held_; }
  [[nodiscard]] bool holds(std::uint64_t group) const noexcept {
    return held_ && held_->first <= group && group <= held_->last;
  }

  // ---- dropping ----

  /// Drops what the retention does not keep. What a subscription has still to be given stays, as does what is being
  /// written.
  void evict(session::Time now);
  /// Drops the oldest group that may go. False when there is none.
  bool evict_oldest();
  /// Copies objects that keep slabs alive which are mostly of others; see StoredObject::compact().
  void compact(base::SlabArena& arena);
  /// When a group will be too old; nothing when none is kept for its age.
  [[nodiscard]] std::optional<session::Time> next_eviction() const noexcept;
  /// MAX_CACHE_DURATION [d15 §9.2.1.3]: no object may be given to anybody who begins with it when it is older.
  void limit_age(std::optional<session::Duration> age) noexcept { max_age_ = age; }
  [[nodiscard]] std::optional<session::Duration> age_limit() const noexcept { return max_age_; }
  [[nodiscard]] const Retention& retention() const noexcept { return retention_; }
  [[nodiscard]] std::uint64_t groups_evicted() const noexcept { return groups_evicted_; }
  /// As new: another track has taken the name, or this one is malformed. Pointers into it are good no more: epoch().
  void clear();
  /// Changes with clear().
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

 private:
  StoredGroup& group_of(std::uint64_t group, session::Time now);
  std::unique_ptr<StoredSubgroup> fresh_subgroup(const session::SubgroupProperties& properties, bool datagrams);
  void remove(std::map<std::uint64_t, StoredGroup>::iterator group);
  void trim(StoredGroup& group);
  [[nodiscard]] session::Duration max_age() const noexcept;
  /// Whether a group must not be dropped, whatever its age.
  [[nodiscard]] bool stays(const StoredGroup& group) const noexcept {
    return group.open() || holds(group.id()) || group.behind();
  }
  [[nodiscard]] std::optional<std::uint64_t> first_missing(const StoredGroup& group, std::uint64_t from,
                                                           bool largest) const noexcept;

  /// Of what is remembered of groups that are gone.
  static constexpr std::size_t kRememberedRuns = 256;
  static constexpr std::size_t kSpareSubgroups = 64;
  /// One whose records take more is not worth keeping for the next.
  static constexpr std::size_t kLargestSpare = 64 * 1024;

  Retention retention_;
  Knowledge knowledge_;
  std::shared_ptr<base::Account> account_;
  base::Charge group_records_;
  std::optional<session::Duration> max_age_;
  std::map<std::uint64_t, StoredGroup> groups_;
  std::map<std::uint64_t, std::uint64_t> by_serial_;  ///< Group IDs in the order of arrival
  std::uint64_t next_serial_ = 1;
  IntervalSet absent_groups_;
  IntervalSet dropped_groups_;
  std::optional<IntervalSet::Interval> held_;
  std::vector<std::unique_ptr<StoredSubgroup>> spare_;
  std::optional<Location> largest_;
  std::optional<Location> last_;
  std::size_t bytes_ = 0;
  std::uint64_t groups_evicted_ = 0;
  std::uint64_t epoch_ = 0;
};

}  // namespace msquic_py::moqt::objects
