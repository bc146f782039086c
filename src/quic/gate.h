#pragma once

#include <atomic>
#include <cstdint>

namespace msquic_py::quic {

/// Keeps a MsQuic handle open while calls on it are under way on other threads, without a lock across them.
/// Whoever gets `true` from leave() or shut() is the one that must close the handle, exactly once.
class Gate {
 public:
  /// False once shut.
  [[nodiscard]] bool enter() noexcept {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    while ((state & kShut) == 0) {
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire))
        return true;
    }
    return false;
  }
  [[nodiscard]] bool leave() noexcept { return state_.fetch_sub(1, std::memory_order_acq_rel) == (kShut | 1); }
  /// True for the first caller, and only when nobody is inside.
  [[nodiscard]] bool shut() noexcept { return state_.fetch_or(kShut, std::memory_order_acq_rel) == 0; }
  [[nodiscard]] bool is_shut() const noexcept { return (state_.load(std::memory_order_acquire) & kShut) != 0; }

 private:
  static constexpr std::uint64_t kShut = std::uint64_t{1} << 63;
  std::atomic<std::uint64_t> state_{0};
};

/// Inside `state`'s gate for the lifetime of this object.
template <class State>
class Inside {
 public:
  explicit Inside(State& state) noexcept : state_(state), entered_(state.gate().enter()) {}
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() {
    if (entered_ && state_.gate().leave()) state_.close_handle();
  }
  explicit operator bool() const noexcept { return entered_; }

 private:
  State& state_;
  bool entered_;
};

}  // namespace msquic_py::quic
