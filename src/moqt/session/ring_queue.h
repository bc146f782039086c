#pragma once

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace msquic_py::moqt::session {

/// A first-in first-out queue that keeps its storage: once it has grown to the depth it needs, pushing and popping
/// allocate nothing (std::deque allocates a block every few elements).
template <class T>
class RingQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Elements that it has storage for.
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

  void push(T&& value) {
    if (size_ == slots_.size()) grow();
    slots_[index(size_)] = std::move(value);
    ++size_;
  }
  void push(const T& value) { push(T(value)); }
  T& front() noexcept { return assert(size_ > 0), slots_[head_]; }
  const T& front() const noexcept { return assert(size_ > 0), slots_[head_]; }
  T& back() noexcept { return assert(size_ > 0), slots_[index(size_ - 1)]; }
  T& operator[](std::size_t position) noexcept { return assert(position < size_), slots_[index(position)]; }

  /// Takes the oldest element out; its slot is left as a default value so that nothing stays referenced.
  T pop() {
    T value = std::move(front());
    drop();
    return value;
  }
  /// The same, without a value in between.
  void pop_into(T& value) {
    value = std::move(front());
    drop();
  }
  void clear() {
    while (!empty()) (void)pop();
  }

 private:
  void drop() {
    front() = T{};
    head_ = (head_ + 1) & (slots_.size() - 1);
    --size_;
  }
  [[nodiscard]] std::size_t index(std::size_t position) const noexcept {
    return (head_ + position) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<T> larger(slots_.empty() ? 8 : slots_.size() * 2);  // a power of two, so that index() is a mask
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(slots_[index(i)]);
    slots_ = std::move(larger);
    head_ = 0;
  }

  std::vector<T> slots_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace msquic_py::moqt::session
