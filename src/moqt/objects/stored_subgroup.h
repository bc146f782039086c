#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/objects/stored_object.h"
#include "moqt/objects/subgroup_delivery.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// What the memory manager and the map around a record take beside it.
inline constexpr std::size_t kRecordOverhead = 64;

/// The objects of one subgroup in the order of their IDs, or those of a group that travel as datagrams. An object has a
/// place: a number that counts on from the first one and stays when those at the front are dropped.
class StoredSubgroup {
 public:
  enum class End : std::uint8_t {
    kOpen,      ///< more may come
    kFinished,  ///< FIN: the last object is the last one of the subgroup
    kReset,     ///< nobody brings the rest
  };

  /// Its records are charged to `account`.
  explicit StoredSubgroup(std::shared_ptr<base::Account> account = nullptr) noexcept : charge_(std::move(account)) {}

  /// As new, for a subgroup of another group perhaps; what it has grown to stays.
  void begin(const session::SubgroupProperties& properties, bool datagrams);

  [[nodiscard]] std::uint64_t group() const noexcept { return properties_.group; }
  [[nodiscard]] std::uint64_t id() const noexcept { return properties_.subgroup.value_or(0); }
  [[nodiscard]] const session::SubgroupProperties& properties() const noexcept { return properties_; }
  /// Its objects travel as datagrams; then `id()` means nothing.
  [[nodiscard]] bool datagrams() const noexcept { return datagrams_; }

  /// Places [first, end) hold objects.
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return first_ + count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] StoredObject& at(std::uint64_t place) noexcept { return slots_[slot(place)]; }
  [[nodiscard]] const StoredObject& at(std::uint64_t place) const noexcept { return slots_[slot(place)]; }
  /// The place of the first object whose ID is not below `id`; end() without one.
  [[nodiscard]] std::uint64_t lower_bound(std::uint64_t id) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t id) const noexcept;
  /// The ID of the object that was stored before the one at `place`, which may have been dropped since; nothing when
  /// there was none.
  [[nodiscard]] std::optional<std::uint64_t> id_before(std::uint64_t place) const noexcept {
    return place > first_ ? std::optional(at(place - 1).id) : dropped_;
  }
  /// The largest Object ID that was ever stored, dropped ones included.
  [[nodiscard]] std::optional<std::uint64_t> largest() const noexcept { return largest_; }

  /// Room for an object with this ID, which is not here yet; the caller fills it. Places behind it move by one.
  std::uint64_t insert(std::uint64_t id);
  /// Drops the object at the front. Returns what it held.
  std::size_t drop_first() noexcept;
  /// Drops every object; their records stay.
  void drop_all() noexcept;

  /// Of its objects, and of its records as far as count_records() has seen them.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_ + counted_records_; }
  void add_bytes(std::size_t bytes) noexcept { bytes_ += bytes; }
  /// Of its records: the objects' and the cursors'. They only grow.
  [[nodiscard]] std::size_t records() const noexcept {
    return sizeof(StoredSubgroup) + kRecordOverhead + slots_.size() * sizeof(StoredObject) +
           deliveries.capacity() * sizeof(SubgroupDelivery);
  }
  /// Charges what they have grown by since the last call, and returns it.
  std::size_t count_records() noexcept {
    const std::size_t now = records();
    charge_.set(now);
    return now - std::exchange(counted_records_, now);
  }

  [[nodiscard]] End ended() const noexcept { return ended_; }
  [[nodiscard]] std::uint64_t reset_code() const noexcept { return reset_code_; }
  void finish(session::Time now) noexcept {
    ended_ = End::kFinished;
    finished_since_ = now;
  }
  /// When it was finished; Time{}: a writer without a clock did it.
  [[nodiscard]] session::Time finished_since() const noexcept { return finished_since_; }
  /// What its first object says of its delivery timeouts.
  void take_timeouts(std::optional<std::uint64_t> object, std::optional<std::uint64_t> subgroup) noexcept {
    properties_.object_delivery_timeout = object;
    properties_.subgroup_delivery_timeout = subgroup;
  }
  void reset(std::uint64_t code) noexcept {
    ended_ = End::kReset;
    reset_code_ = code;
  }
  void reopen() noexcept { ended_ = End::kOpen; }

  /// One for each slot of the track's subscriptions; the TrackPublisher's.
  std::vector<SubgroupDelivery> deliveries;
  std::size_t writers = 0;  ///< streams that bring it now
  bool awaited = false;     ///< none does, and somebody is expected to go on with it; the TrackPublisher's
  /// The first Object ID that some stream of it was to bring: where in the group its subscription began.
  std::optional<std::uint64_t> brought_from;
  /// A stream of it has ended with FIN: everything from this ID on has come [d15 §10.4.3].
  std::optional<std::uint64_t> whole_from;

 private:
  [[nodiscard]] std::size_t slot(std::uint64_t place) const noexcept {
    return (head_ + static_cast<std::size_t>(place - first_)) & (slots_.size() - 1);
  }
  void grow();

  session::SubgroupProperties properties_;
  std::vector<StoredObject> slots_;  // a ring; the size is a power of two
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::uint64_t first_ = 0;
  std::optional<std::uint64_t> largest_;
  std::optional<std::uint64_t> dropped_;  ///< the ID of the object that was at the front and was dropped last
  std::size_t bytes_ = 0;
  std::size_t counted_records_ = 0;
  base::Charge charge_;
  std::uint64_t reset_code_ = 0;
  session::Time finished_since_{};
  End ended_ = End::kOpen;
  bool datagrams_ = false;
};

}  // namespace msquic_py::moqt::objects
