#pragma once

namespace msquic_py::quic {

/// The links of an element that is in at most one IntrusiveList.
template <class T>
struct ListLinks {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

/// A list that allocates nothing and owns nothing; its user locks it. `T::links()` returns ListLinks<T>&.
template <class T>
class IntrusiveList {
 public:
  [[nodiscard]] T* front() const noexcept { return front_; }
  static T* next(T& element) noexcept { return element.links().next; }

  void push(T& element) noexcept {
    ListLinks<T>& links = element.links();
    links.next = front_;
    links.previous = nullptr;
    links.linked = true;
    (front_ != nullptr ? front_->links().previous : back_) = &element;
    front_ = &element;
  }
  void push_back(T& element) noexcept {
    ListLinks<T>& links = element.links();
    links.next = nullptr;
    links.previous = back_;
    links.linked = true;
    (back_ != nullptr ? back_->links().next : front_) = &element;
    back_ = &element;
  }
  void remove(T& element) noexcept {
    ListLinks<T>& links = element.links();
    if (!links.linked) return;
    (links.previous != nullptr ? links.previous->links().next : front_) = links.next;
    (links.next != nullptr ? links.next->links().previous : back_) = links.previous;
    links = {};
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace msquic_py::quic
