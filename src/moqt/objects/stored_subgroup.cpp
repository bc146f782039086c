#include "moqt/objects/stored_subgroup.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::objects {

void StoredSubgroup::begin(const session::SubgroupProperties& properties, bool datagrams) {
  drop_all();
  counted_records_ = 0;
  properties_ = properties;
  datagrams_ = datagrams;
  first_ = 0;
  largest_.reset();
  dropped_.reset();
  reset_code_ = 0;
  finished_since_ = {};
  ended_ = End::kOpen;
  deliveries.clear();
  writers = 0;
  awaited = false;
  brought_from.reset();
  whole_from.reset();
}

std::uint64_t StoredSubgroup::lower_bound(std::uint64_t id) const noexcept {
  if (count_ == 0 || at(end() - 1).id < id) return end();
  std::uint64_t low = first_;
  std::uint64_t high = end() - 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (at(middle).id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::uint64_t> StoredSubgroup::find(std::uint64_t id) const noexcept {
  const std::uint64_t place = lower_bound(id);
  return place < end() && at(place).id == id ? std::optional(place) : std::nullopt;
}

std::uint64_t StoredSubgroup::insert(std::uint64_t id) {
  if (count_ == slots_.size()) grow();
  const std::uint64_t place = lower_bound(id);
  ++count_;
  for (std::uint64_t each = end() - 1; each > place; --each) std::swap(at(each), at(each - 1));
  StoredObject& object = at(place);
  object.id = id;
  largest_ = std::max(largest_.value_or(0), id);
  return place;
}

std::size_t StoredSubgroup::drop_first() noexcept {
  StoredObject& object = at(first_);
  dropped_ = object.id;
  const std::size_t freed = object.bytes();
  object.clear();
  bytes_ -= std::min(bytes_, freed);
  head_ = (head_ + 1) & (slots_.size() - 1);
  ++first_;
  --count_;
  return freed;
}

void StoredSubgroup::drop_all() noexcept {
  while (count_ > 0) (void)drop_first();
  bytes_ = 0;
}

void StoredSubgroup::grow() {
  std::vector<StoredObject> larger(slots_.empty() ? 4 : slots_.size() * 2);
  for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(at(first_ + i));
  slots_ = std::move(larger);
  head_ = 0;
}

}  // namespace msquic_py::moqt::objects
