#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "loc/header_extensions.h"
#include "media/media_unit.h"
#include "moqt/pubsub/endpoint.h"
#include "moqt/pubsub/group_writer.h"
#include "moqt/pubsub/track_writer.h"

namespace msquic_py::apps {

/// One media track on its way out: its objects in groups, numbered one after the other.
class OutgoingTrack {
 public:
  OutgoingTrack(std::shared_ptr<moqt::pubsub::TrackWriter> writer, std::uint64_t first_group)
      : writer_(std::move(writer)), next_group_(first_group) {}

  [[nodiscard]] moqt::pubsub::TrackWriter& writer() const noexcept { return *writer_; }
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::TrackWriter>& shared_writer() const noexcept { return writer_; }
  /// Where media time 0 is on the wall clock, in microseconds since the Unix epoch, lays the unit's times on it: they
  /// go along as extensions of that version of LOC, as does the configuration.
  moqt::session::SessionResult<void> send(const MediaUnit& unit, std::optional<std::int64_t> wall_origin,
                                          loc::Version version);
  /// The last group is whole, and nothing follows.
  void finish(moqt::PublishDoneCode code, std::string_view reason);

  [[nodiscard]] std::uint64_t objects() const noexcept { return objects_; }
  [[nodiscard]] std::uint64_t groups() const noexcept { return groups_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// The longest group so far, by the time of its media.
  [[nodiscard]] std::chrono::microseconds longest_group() const noexcept { return longest_group_; }

 private:
  std::shared_ptr<moqt::pubsub::TrackWriter> writer_;
  std::shared_ptr<moqt::pubsub::GroupWriter> group_;
  std::uint64_t next_group_;
  std::optional<std::chrono::microseconds> group_start_;
  std::chrono::microseconds longest_group_{0};
  std::uint64_t objects_ = 0, groups_ = 0, bytes_ = 0;
};

}  // namespace msquic_py::apps
