#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "moqt/pubsub/track_reader.h"
#include "moqt/session/time.h"
#include "moqt_session_channel.h"
#include "moqt_track_progress.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// An object as Python has it.
struct PythonObject {
  std::uint64_t group_id = 0;
  std::uint64_t subgroup_id = 0;
  std::uint64_t object_id = 0;
  std::uint8_t publisher_priority = 128;
  moqt::ObjectStatus status = moqt::ObjectStatus::kNormal;
  bool datagram = false;
  bool end_of_group = false;
  nb::object extensions;
  nb::bytes payload = nb::bytes("", 0);
};

/// `end_of_group`: it is known to be the last of its group. The payload is copied.
nb::object to_python(const moqt::pubsub::ReceivedObject& object, bool end_of_group);

/// A track on its way from the sessions' thread to Python, which takes objects straight from the reader's queue.
/// Payloads are copied once, when Python takes them.
class ReaderLink {
 public:
  /// `progress`: of a track that comes on several sessions one after the other; null for one of one session.
  ReaderLink(std::shared_ptr<SessionChannel> channel, std::uint64_t target, bool group_ends, bool renews,
             std::shared_ptr<ProgressLink> progress)
      : channel_(std::move(channel)),
        target_(target),
        group_ends_(group_ends),
        renews_(renews),
        progress_(std::move(progress)) {}

  // ---- the sessions' thread ----

  void attach(std::shared_ptr<moqt::pubsub::TrackReader> reader);
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::TrackReader>& reader() const noexcept { return reader_; }
  /// There is something to read, or the reader has ended: says so if Python waits.
  void look();
  /// Nobody will read what waits.
  void discard();
  /// Whether the subscription is renewed before its time (EXPIRES) is over.
  [[nodiscard]] bool renews() const noexcept { return renews_; }
  void set_expiry(std::optional<moqt::session::Time> when) noexcept {
    expiry_.store(when ? when->time_since_epoch() : moqt::session::Duration::zero());
  }
  [[nodiscard]] std::uint64_t target() const noexcept { return target_; }
  [[nodiscard]] const std::shared_ptr<SessionChannel>& channel() const noexcept { return channel_; }

  // ---- Python's threads, with the GIL ----

  /// The oldest objects, at most `limit` and, but for one, a mebibyte; of a track with progress those that Python does
  /// not have. When there are none a Readable notice follows.
  nb::list take(std::size_t limit);
  /// (cause, code, reason, stream count, missing streams) after the last object was taken, None before that.
  nb::object end();
  /// Seconds until the subscription ends unless it is renewed; nothing without an end.
  [[nodiscard]] std::optional<double> expires_in() const;
  [[nodiscard]] std::uint64_t dropped();
  [[nodiscard]] std::uint64_t too_large();
  /// By name: what has come, what waits and what was lost. The last two as of the sessions' thread's latest turn.
  nb::dict statistics();

 private:
  static constexpr std::size_t kTakenBytes = 1024 * 1024;

  [[nodiscard]] std::shared_ptr<moqt::pubsub::ObjectQueue> queue();

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t target_;
  const bool group_ends_;
  const bool renews_;
  const std::shared_ptr<ProgressLink> progress_;
  std::atomic<moqt::session::Duration> expiry_{moqt::session::Duration::zero()};  ///< of the clock; zero: none
  std::shared_ptr<moqt::pubsub::TrackReader> reader_;

  std::mutex mutex_;
  std::shared_ptr<moqt::pubsub::ObjectQueue> queue_;
  std::atomic<std::uint64_t> incomplete_{0};
  std::atomic<std::uint64_t> streams_cut_{0};
  std::atomic<std::uint64_t> repeated_{0};
  std::optional<moqt::pubsub::TrackEnd> end_;  ///< once nothing more can come
  std::atomic<bool> waiting_{false};           ///< Python waits for a notice
};

}  // namespace msquic_py::python
