#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "delay_histogram.h"
#include "moqt/model/full_track_name.h"
#include "object_stamp.h"
#include "progress.h"
#include "runtime/session_driver.h"
#include "runtime/session_user.h"

namespace msquic_py::bench {

/// All subscribers, each a connection of its own, on one loop. Counts what each of them gets and how late.
class LoadSubscribers final : public runtime::SessionUser {
 public:
  /// `wake_publisher` is made ready on `publisher_loop` after deliveries.
  LoadSubscribers(const moqt::FullTrackName& track, Progress& progress, runtime::EventLoop& publisher_loop,
                  runtime::EventLoop::Participant& publisher);

  /// Objects from this number on count for the delays. Any thread.
  void measure_from(std::uint64_t number) { measured_from_.store(number, std::memory_order_release); }

  /// One subscriber reads no more from now on, and the delays of the others are counted apart. Any thread.
  void stop_one() { stop_one_.store(true, std::memory_order_release); }
  /// Delays are counted apart from now on. Any thread.
  void count_apart() { apart_.store(true, std::memory_order_release); }
  /// What that one had been given before; nothing until it has stopped. Any thread.
  [[nodiscard]] std::optional<std::uint64_t> stopped_at() const {
    const std::int64_t count = stopped_at_.load(std::memory_order_acquire);
    return count < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(count));
  }
  /// After the loop has ended: those that were counted apart.
  [[nodiscard]] const DelayHistogram& delays_apart() const noexcept { return delays_apart_; }

  /// After the loop has ended. Objects 0 to `sent` - 1 that a subscriber never got, over all `subscribers`.
  /// The one that stopped does not count.
  [[nodiscard]] std::uint64_t lost(std::uint64_t sent, std::size_t subscribers) const;
  [[nodiscard]] std::uint64_t duplicated() const noexcept { return duplicated_; }
  [[nodiscard]] const DelayHistogram& delays() const noexcept { return delays_; }

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;

 private:
  /// An object whose payload is still arriving.
  struct Partial {
    std::array<std::uint8_t, ObjectStamp::kSize> stamp{};
    std::size_t filled = 0;
  };
  struct Subscriber {
    std::vector<bool> received;  ///< by object number
    std::uint64_t distinct = 0;
    bool stopped = false;
    std::unordered_map<moqt::session::IncomingStreamId, Partial> partial;
  };
  bool on_object(Subscriber& subscriber, const moqt::session::ObjectReceived& object);
  bool on_payload(Subscriber& subscriber, const moqt::session::ObjectPayload& payload);
  void deliver(Subscriber& subscriber, const ObjectStamp& stamp);

  const moqt::FullTrackName& track_;
  Progress& progress_;
  runtime::EventLoop& publisher_loop_;
  runtime::EventLoop::Participant& publisher_;
  std::atomic<std::uint64_t> measured_from_{~std::uint64_t{0}};
  std::unordered_map<runtime::SessionDriver*, std::unique_ptr<Subscriber>> live_;
  std::vector<std::unique_ptr<Subscriber>> finished_;
  std::uint64_t duplicated_ = 0;
  DelayHistogram delays_;
  std::atomic<bool> stop_one_{false};
  std::atomic<std::int64_t> stopped_at_{-1};
  std::atomic<bool> apart_{false};
  DelayHistogram delays_apart_;
};

}  // namespace msquic_py::bench
