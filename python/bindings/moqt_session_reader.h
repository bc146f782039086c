#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "moqt/pubsub/track_reader.h"
#include "moqt_session_channel.h"

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

/// A track on its way from the sessions' thread to Python. A few objects stand ready between the two, by reference;
/// all others wait in the TrackReader, which has a limit. Payloads are copied once, when Python takes them.
class ReaderLink : public std::enable_shared_from_this<ReaderLink> {
 public:
  ReaderLink(std::shared_ptr<SessionChannel> channel, std::uint64_t target, bool group_ends)
      : channel_(std::move(channel)), target_(target), group_ends_(group_ends) {}

  // ---- the sessions' thread ----

  void attach(std::shared_ptr<moqt::pubsub::TrackReader> reader) { reader_ = std::move(reader); }
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::TrackReader>& reader() const noexcept { return reader_; }
  /// Puts more objects at the ready, and says so if Python waits.
  void fill();
  [[nodiscard]] std::uint64_t target() const noexcept { return target_; }
  [[nodiscard]] const std::shared_ptr<SessionChannel>& channel() const noexcept { return channel_; }

  // ---- Python's threads, with the GIL ----

  /// Objects that stand ready, at most `limit`. When there are none a Readable notice follows, or has followed Ended.
  nb::list take(std::size_t limit);
  /// (cause, code, reason, stream count, missing streams) after the last object was taken, None before that.
  nb::object end();
  [[nodiscard]] std::uint64_t dropped();

 private:
  static constexpr std::size_t kReadyObjects = 64;
  static constexpr std::size_t kReadyBytes = 1024 * 1024;

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t target_;
  const bool group_ends_;
  std::shared_ptr<moqt::pubsub::TrackReader> reader_;

  std::mutex mutex_;
  std::vector<moqt::pubsub::ReceivedObject> ready_;
  std::size_t taken_ = 0;  ///< of ready_, from its front
  std::size_t ready_bytes_ = 0;
  std::optional<moqt::pubsub::TrackEnd> end_;  ///< once nothing more can become ready
  std::uint64_t dropped_ = 0;
  bool wanted_ = false;  ///< Python waits for a notice
};

}  // namespace msquic_py::python
