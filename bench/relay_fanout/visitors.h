#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>

#include "moqt/model/full_track_name.h"
#include "runtime/session_driver.h"
#include "runtime/session_user.h"

namespace msquic_py::bench {

/// Subscribers that come, take a few objects and go. They count for no delay and no loss: what they cost the others is
/// of interest.
class Visitors final : public runtime::SessionUser {
 public:
  explicit Visitors(const moqt::FullTrackName& track) noexcept : track_(track) {}

  /// Objects that each of them takes.
  static constexpr std::uint64_t kTakes = 20;

  /// Any thread, both: who got what it had come for, and who did not.
  [[nodiscard]] std::uint64_t served() const noexcept { return served_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t turned_away() const noexcept { return turned_away_.load(std::memory_order_relaxed); }

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;

 private:
  const moqt::FullTrackName& track_;
  std::unordered_map<runtime::SessionDriver*, std::uint64_t> taken_;  ///< objects, of those that are here
  std::atomic<std::uint64_t> served_{0};
  std::atomic<std::uint64_t> turned_away_{0};
};

}  // namespace msquic_py::bench
