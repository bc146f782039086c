#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "moqt/model/forwarding_preference.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/pubsub/group_writer.h"
#include "moqt/pubsub/track_options.h"
#include "moqt/session/data/object_encoding.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// How one subgroup of a group is to be sent.
struct GroupOptions {
  std::uint64_t subgroup = 0;
  std::optional<std::uint8_t> publisher_priority;  ///< nothing: the track's
  /// The last object before finish() is the last one of the group. Right for the only subgroup of a group.
  bool end_of_group = true;
};

/// Publishes one track on one session: to whoever subscribes, and to whom it was offered with PUBLISH. Made by
/// Endpoint, which answers the subscriptions. Each object is encoded once and sent by reference to all of them.
class TrackWriter {
 public:
  TrackWriter(session::Session& session, FullTrackName track, TrackOptions options);
  TrackWriter(const TrackWriter&) = delete;
  TrackWriter& operator=(const TrackWriter&) = delete;
  ~TrackWriter();

  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] const TrackOptions& options() const noexcept { return options_; }
  /// The largest object written so far.
  [[nodiscard]] std::optional<Location> largest() const noexcept { return largest_; }
  [[nodiscard]] std::size_t subscribers() const noexcept { return subscriptions_.size(); }
  /// Whether anybody wants objects now (Forward State 1).
  [[nodiscard]] bool wanted() const noexcept;
  /// Bytes that wait for the slowest subscriber. A publisher that must not lose groups writes only while this is
  /// small compared with TrackOptions::queue_limit.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  /// Groups given up for a subscriber that was too slow.
  [[nodiscard]] std::uint64_t groups_skipped() const noexcept { return groups_skipped_; }

  /// The group after the largest one written, or 0.
  [[nodiscard]] std::uint64_t next_group() const noexcept { return largest_ ? largest_->group + 1 : 0; }
  /// A new subgroup stream. kWrongState after finish().
  session::SessionResult<std::shared_ptr<GroupWriter>> begin_group(std::uint64_t group,
                                                                   const GroupOptions& options = {});
  /// An object as a datagram. A track uses either streams or datagrams, never both (section 10.2.1): kWrongState.
  /// What does not fit the path is dropped.
  session::SessionResult<void> write_datagram(Location location, base::Bytes payload, base::Bytes extension_block = {},
                                              std::optional<std::uint8_t> publisher_priority = std::nullopt,
                                              bool end_of_group = false);
  /// The track is over: PUBLISH_DONE to every subscriber once its streams are closed.
  void finish(PublishDoneCode code = PublishDoneCode::kTrackEnded, std::string_view reason = {});
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// finish() was called and PUBLISH_DONE has gone to every subscriber: behind its last object.
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class Endpoint;
  friend class GroupWriter;

  /// What SUBSCRIBE_OK and PUBLISH say of the track, LARGEST_OBJECT included.
  [[nodiscard]] MessageParameters track_parameters() const;
  void on_stream_stopped(const session::OutgoingStreamStopped& event);
  void add_subscription(session::RequestHandle subscription);
  void remove_subscription(session::RequestHandle subscription);
  void note(Location location);
  /// Whether that subscription has fallen behind the limit.
  [[nodiscard]] bool behind(session::RequestHandle subscription) const noexcept;

  session::Session& session_;
  FullTrackName track_;
  TrackOptions options_;
  std::vector<session::RequestHandle> subscriptions_;
  std::vector<session::RequestHandle> ending_;  ///< those that finish() found
  std::vector<GroupWriter*> groups_;            ///< the open ones
  std::optional<Location> largest_;
  std::optional<ForwardingPreference> preference_;
  base::SlabArena arena_;
  std::uint64_t groups_skipped_ = 0;
  bool finished_ = false;
};

}  // namespace msquic_py::moqt::pubsub
