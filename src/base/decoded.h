#pragma once

#include <cassert>
#include <cstdint>
#include <utility>
#include <variant>

namespace msquic_py::base {

/// The bytes so far are a valid beginning; call again with more of them.
struct NeedMore {};

/// The bytes can never become valid. `code` is the error the session is to be closed with; base does not
/// interpret it. `what` points to a string with static storage that names the rule and its section.
struct Violation {
  std::uint64_t code = 0;
  const char* what = "";
  bool operator==(const Violation& other) const noexcept { return code == other.code; }
};

/// The outcome of decoding from bytes that may still be arriving: a value, "need more", or a violation.
template <class T>
class [[nodiscard]] Decoded {
 public:
  Decoded(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Decoded(NeedMore) noexcept : state_(std::in_place_index<1>) {}          // NOLINT
  Decoded(Violation violation) noexcept : state_(std::in_place_index<2>, violation) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  [[nodiscard]] bool needs_more() const noexcept { return state_.index() == 1; }
  [[nodiscard]] bool violated() const noexcept { return state_.index() == 2; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Violation& violation() const { return assert(violated()), *std::get_if<2>(&state_); }

  /// The same failed outcome for another value type. Only for outcomes that are not ok().
  template <class U>
  [[nodiscard]] Decoded<U> failure() const {
    assert(!ok());
    if (violated()) return violation();
    return NeedMore{};
  }

 private:
  std::variant<T, NeedMore, Violation> state_;
};

}  // namespace msquic_py::base
