#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/ledger/account.h"

namespace msquic_py::base {

class SlabStore;

/// A block of memory with a reference count in front of it. Created by Slab::create or SlabStore::take; the last
/// release() frees it or gives it back to its store. A slab is charged to one account, whole, for as long as it exists:
/// that is what a slice of it holds, however small.
/// Counting is atomic, so slices of one slab may be dropped on any thread.
class Slab {
 public:
  /// A slab with room for `capacity` bytes and one reference. Throws std::bad_alloc. Without an account nobody is
  /// charged.
  static Slab* create(std::size_t capacity, std::shared_ptr<Account> account = nullptr) {
    return create(capacity, nullptr, std::move(account));
  }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;
  /// True when the caller's reference is the only one, so the memory may be reused.
  [[nodiscard]] bool unique() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

  [[nodiscard]] std::uint8_t* data() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// From now on it is charged to `account`. For a holder; one thread at a time.
  void charge_to(const std::shared_ptr<Account>& account) noexcept;

 private:
  friend class SlabStore;
  static Slab* create(std::size_t capacity, SlabStore* store, std::shared_ptr<Account> account);
  void destroy() noexcept;
  /// What it takes: the memory manager's own record included.
  [[nodiscard]] std::size_t cost() const noexcept { return sizeof(Slab) + capacity_ + 2 * sizeof(void*); }

  Slab(std::size_t capacity, SlabStore* store, std::shared_ptr<Account> account) noexcept
      : capacity_(capacity), store_(store), account_(std::move(account)) {
    if (account_) account_->charge(cost());
  }
  ~Slab() {
    if (account_) account_->give_back(cost());
  }

  std::atomic<std::uint32_t> references_{1};
  std::size_t capacity_;
  SlabStore* store_;  ///< where it goes when nobody holds it; null: it is freed
  std::shared_ptr<Account> account_;
};

/// Slabs of one size that nobody holds, ready for the next use; a few, the others are freed. One taker; slabs come back
/// on whatever thread drops them last. Lives until its taker and all its slabs are gone.
class SlabStore {
 public:
  static constexpr std::size_t kSpare = 4;

  /// A store with one reference, which close() gives up. Its slabs are charged to `account`, spare ones too.
  static SlabStore* create(std::size_t slab_capacity, std::shared_ptr<Account> account = nullptr) {
    return new SlabStore(slab_capacity, std::move(account));
  }
  /// A slab with one reference, used before if there is one to spare. Throws std::bad_alloc. Only the taker.
  Slab* take();
  /// The taker's last call: frees what is spare, and from then on whatever comes back.
  void close() noexcept;
  /// Called by a slab's last release().
  void put(Slab& slab) noexcept;

 private:
  SlabStore(std::size_t slab_capacity, std::shared_ptr<Account> account) noexcept
      : slab_capacity_(slab_capacity), account_(std::move(account)) {}
  ~SlabStore() { free_spare(); }
  void free_spare() noexcept;
  void release() noexcept;

  const std::size_t slab_capacity_;
  const std::shared_ptr<Account> account_;
  std::atomic<std::size_t> references_{1};  ///< the taker and every slab that somebody holds
  std::atomic<bool> closed_{false};
  std::array<std::atomic<Slab*>, kSpare> spare_{};
};

}  // namespace msquic_py::base
