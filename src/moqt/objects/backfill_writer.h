#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/objects/interval_set.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// What a FETCH brings of a track in place of what its subscription has missed: unlike a FetchWriter's, these objects
/// go to the track's subscriptions as well, each once. They come in ascending order.
class BackfillWriter {
 public:
  /// `start` is where the FETCH begins. Objects are kept in the form of `draft`.
  BackfillWriter(TrackPublisher& publisher, Draft draft, Location start) noexcept
      : publisher_(publisher), draft_(draft), next_(start) {}
  BackfillWriter(const BackfillWriter&) = delete;
  BackfillWriter& operator=(const BackfillWriter&) = delete;

  /// An object, or its beginning. When one of a later group comes, the held groups before it are complete: what has not
  /// come of them does not exist [d15 §9.16.3].
  std::optional<MalformedTrack> object(const session::FetchObjectReceived& object, session::Time now);
  /// The next bytes of its payload.
  std::optional<MalformedTrack> payload(const base::SharedBytes& bytes, session::Time now);
  /// The publisher has left out what comes next, up to `last`, and does not say that it is empty.
  void pass_unknown(Location last) {
    unknown_.add(next_.group, last.group);
    next_ = last.next();
  }
  /// Groups of which the publisher has left out something: they may lack objects when the FETCH is over.
  [[nodiscard]] const IntervalSet& unknown_groups() const noexcept { return unknown_; }
  /// Behind the latest object or gap; where the FETCH begins before the first.
  [[nodiscard]] Location next() const noexcept { return next_; }
  /// Objects that came, known ones included.
  [[nodiscard]] std::uint64_t objects() const noexcept { return objects_; }

 private:
  /// One of a track whose objects are datagrams; gathered until it is whole.
  struct Datagram {
    session::FetchObjectReceived object;
    base::ByteVector payload;
  };
  std::optional<MalformedTrack> write(Datagram& datagram, session::Time now);

  TrackPublisher& publisher_;
  const Draft draft_;
  Location next_;  ///< behind the latest object, or gap
  IntervalSet unknown_;
  std::uint64_t group_ = 0;
  std::map<std::uint64_t, SubgroupWriter> writers_;  ///< of `group_`, by Subgroup ID
  SubgroupWriter* writer_ = nullptr;                 ///< of the latest object
  std::optional<Datagram> datagram_;
  std::uint64_t objects_ = 0;
};

}  // namespace msquic_py::moqt::objects
