#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace msquic_py::moqt::session {

/// A binary heap of pointers whose elements know their place, so that one can be re-ordered or taken out of the
/// middle. `T` has a member `std::size_t heap_index`; `Before` says which of two comes first.
template <class T, class Before>
class PriorityHeap {
 public:
  static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] T& top() const noexcept { return *items_.front(); }
  [[nodiscard]] static bool contains(const T& item) noexcept { return item.heap_index != kOutside; }

  void insert(T& item) {
    items_.push_back(&item);
    item.heap_index = items_.size() - 1;
    rise(item.heap_index);
  }
  /// The key of `item` has changed.
  void update(T& item) noexcept {
    rise(item.heap_index);
    sink(item.heap_index);
  }
  void insert_or_update(T& item) {
    if (contains(item)) {
      update(item);
    } else {
      insert(item);
    }
  }
  void erase(T& item) noexcept {
    const std::size_t hole = item.heap_index;
    if (hole == kOutside) return;
    item.heap_index = kOutside;
    T* last = items_.back();
    items_.pop_back();
    if (hole == items_.size()) return;
    place(hole, last);
    update(*last);
  }

 private:
  void place(std::size_t index, T* item) noexcept {
    items_[index] = item;
    item->heap_index = index;
  }
  void rise(std::size_t index) noexcept {
    T* item = items_[index];
    while (index > 0) {
      const std::size_t parent = (index - 1) / 2;
      if (!Before{}(*item, *items_[parent])) break;
      place(index, items_[parent]);
      index = parent;
    }
    place(index, item);
  }
  void sink(std::size_t index) noexcept {
    T* item = items_[index];
    for (;;) {
      std::size_t child = index * 2 + 1;
      if (child >= items_.size()) break;
      if (child + 1 < items_.size() && Before{}(*items_[child + 1], *items_[child])) ++child;
      if (!Before{}(*items_[child], *item)) break;
      place(index, items_[child]);
      index = child;
    }
    place(index, item);
  }

  std::vector<T*> items_;
};

}  // namespace msquic_py::moqt::session
