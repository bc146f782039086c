#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/forwarding_preference.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/message_parameters.h"
#include "moqt/objects/track_publisher.h"
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

/// Publishes one track: to whoever subscribes on the sessions that it was added to, and to whom it was offered with
/// PUBLISH. An object is encoded and stored once, whoever gets it; what is kept of it (TrackOptions::retention) answers
/// FETCH. Made by Endpoint::add_track(); one that several sessions of one thread share is made by itself, and added
/// to each of their endpoints. It has no clock: endpoints tell it the time when they are drained.
class TrackWriter {
 public:
  /// Objects are encoded for `draft` as they are written, and for others when a session of another one first wants
  /// them. What is kept of the track is charged to `account`, which groups that nobody waits for make room in when it
  /// is full; null: to nobody. Endpoint::add_track() takes that of its session (SessionConfig::writers).
  explicit TrackWriter(FullTrackName track, const TrackOptions& options = {}, Draft draft = Draft::k15,
                       std::shared_ptr<base::Account> account = nullptr);
  TrackWriter(const TrackWriter&) = delete;
  TrackWriter& operator=(const TrackWriter&) = delete;
  ~TrackWriter();

  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] const TrackOptions& options() const noexcept { return options_; }
  [[nodiscard]] Draft draft() const noexcept { return draft_; }
  /// The largest object written so far.
  [[nodiscard]] std::optional<Location> largest() const noexcept { return largest_; }
  /// On all sessions.
  [[nodiscard]] std::size_t subscribers() const noexcept;
  /// Whether anybody wants objects now (Forward State 1).
  [[nodiscard]] bool wanted() const noexcept;
  /// Bytes that wait for the slowest subscriber. A publisher that must not lose groups writes only while this is
  /// small compared with TrackOptions::queue_limit.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  /// Groups given up for a subscriber that was too slow.
  [[nodiscard]] std::uint64_t groups_skipped() const noexcept { return counters_.groups_skipped; }
  /// What became of every object, for each subscription that there was when it was written: the sum of all of them.
  [[nodiscard]] objects::DeliveryAccount deliveries() const { return publisher_.account(); }
  /// Bytes of objects that are kept, for subscribers and for FETCH.
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return publisher_.store().bytes(); }

  /// The group after the largest one written, or 0.
  [[nodiscard]] std::uint64_t next_group() const noexcept { return largest_ ? largest_->group + 1 : 0; }
  /// A new subgroup stream. kWrongState after finish().
  session::SessionResult<std::shared_ptr<GroupWriter>> begin_group(std::uint64_t group,
                                                                   const GroupOptions& options = {});
  /// An object as a datagram, its `extension_block` as session::encode_extension_block() makes it for applications. A
  /// track of draft-15 uses either streams or datagrams, never both [d15 §10.2.1]: kWrongState. One of a later draft
  /// may use both; subscribers of draft-15 get what travels as the first object did. What does not fit the path is
  /// dropped for that subscriber; FETCH brings it all the same.
  session::SessionResult<void> write_datagram(Location location, base::Bytes payload, base::Bytes extension_block = {},
                                              std::optional<std::uint8_t> publisher_priority = std::nullopt,
                                              bool end_of_group = false);
  /// Tells every subscriber, where the draft has words for it, of what has changed without an update of its own, and of
  /// the largest object: PUBLISH_STATE_NOTIFY, see session::Session::notify_state(). How many were told.
  std::size_t notify_state(const MessageParameters& changes = {});
  /// Asks every subscriber that made its subscription itself to make it again at that URI, in its session without one,
  /// and to end this one: GOAWAY on the stream of its SUBSCRIBE, see session::Session::goaway(). How many were asked.
  std::size_t move_subscribers(std::string_view uri = {});
  /// The track is over: PUBLISH_DONE to every subscriber once its streams are closed. What is kept still answers FETCH.
  void finish(PublishDoneCode code = PublishDoneCode::kTrackEnded, std::string_view reason = {});
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// finish() was called and PUBLISH_DONE has gone to every subscriber: behind its last object.
  [[nodiscard]] bool ended() const noexcept;

  /// Tells the time: objects that came since the last call begin to age, and what is too old goes.
  void settle(session::Time now);
  /// When settle() has something to do.
  [[nodiscard]] std::optional<session::Time> next_deadline() const noexcept;

 private:
  friend class Endpoint;
  friend class FetchAnswers;
  friend class GroupWriter;

  /// An object that nobody has told the time of.
  struct Untimed {
    Location first;
    std::uint64_t subgroup = 0;
    bool datagram = false;
  };

  /// What SUBSCRIBE_OK and PUBLISH say of the track, LARGEST_OBJECT included.
  [[nodiscard]] MessageParameters track_parameters() const;
  [[nodiscard]] bool may_write(ForwardingPreference preference) const noexcept;
  void note(Location location);
  void make_room();
  void note_untimed(const Untimed& object);

  FullTrackName track_;
  TrackOptions options_;
  Draft draft_;
  std::shared_ptr<base::Account> account_;  ///< of all writers
  objects::DeliveryCounters counters_;
  objects::TrackPublisher publisher_;
  std::vector<GroupWriter*> groups_;  ///< the open ones
  std::optional<Location> largest_;
  std::optional<ForwardingPreference> preference_;
  std::vector<Untimed> untimed_;  ///< the first of each subgroup; those behind it came later
  session::Time next_look_{};     ///< when to look again for what is too old
  bool finished_ = false;
};

}  // namespace msquic_py::moqt::pubsub
