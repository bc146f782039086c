#include "base/shared_bytes.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace msquic_py::base {

SharedBytes SharedBytes::copy_of(Bytes bytes, std::shared_ptr<Account> account) {
  if (bytes.empty()) return {};
  Slab* slab = Slab::create(bytes.size(), std::move(account));
  std::memcpy(slab->data(), bytes.data(), bytes.size());
  SharedBytes result(*slab, slab->data(), bytes.size());
  slab->release();
  return result;
}

SharedBytes SharedBytes::slice(std::size_t offset, std::size_t count) const noexcept {
  assert(offset <= size_ && count <= size_ - offset);
  if (count == 0) return {};
  return {*slab_, data_ + offset, count};
}

bool SharedBytes::append(const SharedBytes& next) noexcept {
  if (empty()) {
    *this = next;
    return true;
  }
  if (next.slab_ != slab_ || data_ + size_ != next.data_) return false;
  size_ += next.size_;
  return true;
}

SlabArena::~SlabArena() {
  if (slab_ != nullptr) slab_->release();
  if (store_ != nullptr) store_->close();
}

std::uint8_t* SlabArena::reserve(std::size_t count) {
  if (slab_ != nullptr && slab_->capacity() - used_ >= count) return slab_->data() + used_;
  if (slab_ != nullptr && slab_->unique() && slab_->capacity() >= count) {
    used_ = 0;  // every slice is gone: start over in the same memory
    return slab_->data();
  }
  Slab* fresh = nullptr;
  if (count > slab_capacity_) {
    fresh = Slab::create(count, account_);
  } else if (next_capacity_ < slab_capacity_) {
    const std::size_t capacity = std::max(next_capacity_, count);
    next_capacity_ = capacity * 2;
    fresh = Slab::create(capacity, account_);
  } else {
    if (store_ == nullptr) store_ = SlabStore::create(slab_capacity_, account_);
    fresh = store_->take();
  }
  if (slab_ != nullptr) slab_->release();
  slab_ = fresh;
  used_ = 0;
  return slab_->data();
}

SharedBytes SlabArena::commit(std::size_t count) noexcept {
  if (count == 0) return {};
  assert(slab_ != nullptr && count <= slab_->capacity() - used_);
  SharedBytes result(*slab_, slab_->data() + used_, count);
  used_ += count;
  return result;
}

SharedBytes SlabArena::copy(Bytes bytes) {
  if (bytes.empty()) return {};
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  return commit(bytes.size());
}

}  // namespace msquic_py::base
