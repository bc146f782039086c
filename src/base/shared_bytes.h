#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/ledger/account.h"
#include "base/slab.h"

namespace msquic_py::base {

/// An immutable slice of a slab. Copying costs one reference count, slicing copies no bytes.
/// Immutable means that bytes once covered by a SharedBytes are never written again.
class SharedBytes {
 public:
  SharedBytes() noexcept = default;
  /// A new slab that holds a copy of `bytes`.
  static SharedBytes copy_of(Bytes bytes, std::shared_ptr<Account> account = nullptr);
  /// A slice of `slab`; takes a reference of its own. `data` points into the slab.
  SharedBytes(Slab& slab, const std::uint8_t* data, std::size_t size) noexcept
      : slab_(&slab), data_(data), size_(size) {
    slab_->retain();
  }

  SharedBytes(const SharedBytes& other) noexcept : slab_(other.slab_), data_(other.data_), size_(other.size_) {
    if (slab_ != nullptr) slab_->retain();
  }
  SharedBytes(SharedBytes&& other) noexcept
      : slab_(std::exchange(other.slab_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(slab_, other.slab_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedBytes() {
    if (slab_ != nullptr) slab_->release();
  }

  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] Bytes view() const noexcept { return {data_, size_}; }
  operator Bytes() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)

  /// Bytes [offset, offset + count) of this slice, without copying. The range must lie inside.
  [[nodiscard]] SharedBytes slice(std::size_t offset, std::size_t count) const noexcept;
  [[nodiscard]] SharedBytes from(std::size_t offset) const noexcept { return slice(offset, size_ - offset); }
  /// Whether it is at least half of the slab that it keeps alive. What is less is better copied by whoever keeps it.
  [[nodiscard]] bool fills_slab() const noexcept { return slab_ == nullptr || size_ >= slab_->capacity() / 2; }
  /// Its slab is charged to `account` from now on; see Slab::charge_to().
  void charge_to(const std::shared_ptr<Account>& account) const noexcept {
    if (slab_ != nullptr) slab_->charge_to(account);
  }
  /// Takes `next` in when it is the continuation of this slice in the same slab, or when this one is empty. False, and
  /// nothing changes, when it is not.
  bool append(const SharedBytes& next) noexcept;

 private:
  Slab* slab_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Copies bytes one after another into large slabs, so that many small slices cost one allocation, and none once slabs
/// come back as fast as they are filled. The first slab is small, and each next one twice as large up to the capacity:
/// many arenas are hardly used. Not thread-safe: one arena per thread. Slices may go to any thread.
class SlabArena {
 public:
  static constexpr std::size_t kCapacity = 64 * 1024;

  explicit SlabArena(std::size_t slab_capacity = kCapacity, std::shared_ptr<Account> account = nullptr) noexcept
      : slab_capacity_(slab_capacity), account_(std::move(account)) {}
  SlabArena(const SlabArena&) = delete;
  SlabArena& operator=(const SlabArena&) = delete;
  ~SlabArena();

  /// A slice that holds a copy of `bytes`.
  SharedBytes copy(Bytes bytes);
  /// Room for `count` bytes that the caller fills before calling commit(); valid until the next call on this arena.
  std::uint8_t* reserve(std::size_t count);
  /// The first `count` bytes of the last reserve() as a slice.
  SharedBytes commit(std::size_t count) noexcept;

 private:
  std::size_t slab_capacity_;
  std::shared_ptr<Account> account_;
  std::size_t next_capacity_ = 1024;  ///< of the next slab, until it is the full one
  SlabStore* store_ = nullptr;        ///< made with the first full slab
  Slab* slab_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace msquic_py::base
