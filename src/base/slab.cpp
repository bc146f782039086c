#include "base/slab.h"

#include <new>

namespace msquic_py::base {

Slab* Slab::create(std::size_t capacity, SlabStore* store, std::shared_ptr<Account> account) {
  void* memory = ::operator new(sizeof(Slab) + capacity);
  return new (memory) Slab(capacity, store, std::move(account));
}

void Slab::charge_to(const std::shared_ptr<Account>& account) noexcept {
  if (account_ == account) return;
  if (account) account->charge(cost());
  if (account_) account_->give_back(cost());
  account_ = account;
}

void Slab::destroy() noexcept {
  this->~Slab();
  ::operator delete(this);
}

void Slab::release() noexcept {
  // Release: what this thread read or wrote comes before the memory's next use. Acquire, for the last one: so does what
  // all the others did.
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (store_ != nullptr) {
    store_->put(*this);
  } else {
    destroy();
  }
}

Slab* SlabStore::take() {
  Slab* slab = nullptr;
  for (auto& place : spare_) {
    // Acquire pairs with put(): the last holder's reads come before what the taker writes. The load spares an empty
    // place the exchange.
    if (place.load(std::memory_order_relaxed) == nullptr) continue;
    slab = place.exchange(nullptr, std::memory_order_acquire);
    if (slab != nullptr) break;
  }
  if (slab != nullptr) {
    slab->references_.store(1, std::memory_order_relaxed);  // nobody else knows of it
  } else {
    slab = Slab::create(slab_capacity_, this, account_);
  }
  references_.fetch_add(1, std::memory_order_relaxed);
  return slab;
}

void SlabStore::put(Slab& slab) noexcept {
  bool kept = false;
  slab.charge_to(account_);  // nobody else knows of it
  if (!closed_.load(std::memory_order_acquire)) {
    for (auto& place : spare_) {
      Slab* nothing = nullptr;
      kept = place.compare_exchange_strong(nothing, &slab, std::memory_order_release, std::memory_order_relaxed);
      if (kept) break;
    }
  }
  if (!kept) slab.destroy();
  release();  // last: until here the slab's reference keeps the store
}

void SlabStore::close() noexcept {
  closed_.store(true, std::memory_order_release);
  free_spare();  // one that is being put just now goes with the store
  release();
}

void SlabStore::free_spare() noexcept {
  for (auto& place : spare_) {
    if (Slab* const slab = place.exchange(nullptr, std::memory_order_acquire)) slab->destroy();
  }
}

void SlabStore::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace msquic_py::base
