#pragma once

#include <cstdint>
#include <optional>

#include "moqt/model/fetch_range.h"
#include "moqt/model/group_order.h"
#include "moqt/model/location.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/object_status.h"
#include "moqt/session/handles.h"
#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::session {

/// A FETCH of ours as the data plane sees it: whose objects the one stream carries, and the rules for them that need no
/// more memory than the object before (sections 2.4.2, 9.16.3, 11).
class ReceivedFetch {
 public:
  ReceivedFetch(RequestHandle request, GroupOrder order) noexcept : request_(request), order_(order) {}

  [[nodiscard]] RequestHandle request() const noexcept { return request_; }
  [[nodiscard]] GroupOrder order() const noexcept { return order_; }
  /// Its stream, as soon as that has said what it is.
  std::optional<IncomingStreamId> stream;
  /// What may come. Nothing while it is not known: that of a joining FETCH depends on SUBSCRIBE_OK.
  std::optional<FetchRange> range;
  /// The publisher has said of some of the range that it does not know whether there are objects.
  bool has_unknown = false;
  bool fin = false;  ///< its stream has ended with FIN

  /// The next object arrived; why it makes the track malformed, if it does.
  std::optional<MalformedTrack> on_object(Location location, ObjectStatus status,
                                          const wire::KnownExtensions& extensions) noexcept;
  /// FETCH_OK says that the track ends before `end`; why that makes it malformed, if it does.
  std::optional<MalformedTrack> on_end_of_track(Location end) noexcept;

 private:
  [[nodiscard]] std::optional<MalformedTrack> check_order(Location location) const noexcept;
  [[nodiscard]] std::optional<MalformedTrack> check_ends(Location location, ObjectStatus status) const noexcept;
  std::optional<MalformedTrack> check_gaps(Location location, const wire::KnownExtensions& extensions) noexcept;

  RequestHandle request_;
  GroupOrder order_;
  std::optional<Location> previous_;
  std::optional<Location> largest_;         ///< with status Normal
  std::optional<Location> end_of_group_;    ///< in its group nothing lies at or behind it
  std::optional<Location> end_of_track_;    ///< nothing lies at or behind it
  std::optional<std::uint64_t> group_gap_;  ///< of the group of the previous object
  std::uint64_t first_missing_group_ = 0;   ///< that and those up to last_missing_group_ do not exist
  std::optional<std::uint64_t> last_missing_group_;
};

}  // namespace msquic_py::moqt::session
