#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/malformed_track.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// One stream of objects on its way into a store. Several may bring the same subgroup, from several publishers: whoever
/// has the next byte of an object first brings it, and when one of them ends in the middle another goes on.
class SubgroupWriter {
 public:
  /// `start` is where the subscription that the stream belongs to begins: what lies before it the stream does not
  /// bring, and its FIN says nothing of that.
  SubgroupWriter(TrackPublisher& publisher, Draft draft, const session::SubgroupProperties& properties,
                 Location start = {}) noexcept
      : publisher_(&publisher), draft_(draft), properties_(properties), start_(start) {}
  SubgroupWriter(SubgroupWriter&& other) noexcept;
  SubgroupWriter& operator=(SubgroupWriter&&) = delete;
  ~SubgroupWriter();

  struct Taken {
    bool fresh = false;  ///< nobody had brought the object before
  };
  /// The object with its header, and what came of the payload with it. A malformed track is not stored. `in_arena`: its
  /// bytes lie in TrackPublisher::arena() already, and need not be copied to be kept.
  base::Result<Taken, MalformedTrack> object(const session::ObjectReceived& object, session::Time now,
                                             bool in_arena = false);
  /// The next bytes of the payload of that object. What makes the track malformed, if they do: another publisher has
  /// brought other bytes.
  std::optional<MalformedTrack> payload(const base::SharedBytes& bytes, session::Time now);
  /// FIN: the last object was the last one of the subgroup.
  std::optional<MalformedTrack> finish(session::Time now);
  /// The stream was reset, or its publisher is gone.
  void reset(std::uint64_t code, session::Time now);
  /// The application gives the subgroup up: its streams are reset at once, and what waits for subscribers is not sent.
  void cut(std::uint64_t code);

  /// The smallest Object ID behind all that the group has, of whichever subgroup.
  [[nodiscard]] std::uint64_t next_in_group() const noexcept;
  [[nodiscard]] TrackPublisher& publisher() const noexcept { return *publisher_; }
  [[nodiscard]] std::uint64_t group() const noexcept { return properties_.group; }
  [[nodiscard]] std::optional<std::uint64_t> subgroup() const noexcept { return properties_.subgroup; }

 private:
  /// Where its objects go; the subgroup is known with the first of them at the latest.
  void attach(std::uint64_t subgroup, session::Time now);
  void detach() noexcept;
  [[nodiscard]] std::uint64_t first_id() const noexcept {
    return start_.group == properties_.group ? start_.object : 0;
  }
  /// Its last writer is gone, and some stream of it had ended with FIN.
  bool finish_whole(StoredSubgroup& subgroup, session::Time now);
  /// The store has been cleared since: what this stream brought of the subgroup is gone.
  void forget_if_cleared() noexcept;
  [[nodiscard]] std::optional<MalformedTrack> check(const session::ObjectReceived& object) const;
  /// The first object of the subgroup may say how long the others have.
  void take_timeouts(const session::ObjectReceived& first) const;
  /// For an object that only a FETCH had brought.
  void take_header(StoredObject& known, const session::ObjectReceived& object) const;
  /// Gives an object of a stream whose objects have extension blocks the form of a subgroup without, or the reverse.
  void rewrite(StoredObject& object) const;
  [[nodiscard]] StoredObject stored(const session::ObjectReceived& object, session::Time now, bool in_arena) const;

  TrackPublisher* publisher_;
  Draft draft_;
  session::SubgroupProperties properties_;
  Location start_;
  StoredGroup* group_ = nullptr;
  StoredSubgroup* subgroup_ = nullptr;
  std::uint64_t epoch_ = 0;               ///< of the store, for the two pointers
  std::optional<std::uint64_t> last_id_;  ///< of the object that this stream brought last
  std::uint64_t payload_offset_ = 0;      ///< in it
  bool ignores_ = false;                  ///< it is not stored
};

}  // namespace msquic_py::moqt::objects
