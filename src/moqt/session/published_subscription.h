#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "moqt/model/full_track_name.h"
#include "moqt/model/group_order.h"
#include "moqt/model/location.h"
#include "moqt/model/object_filter.h"
#include "moqt/session/delivery_timeout.h"
#include "moqt/session/wanted_locations.h"

namespace msquic_py::moqt::session {

/// A subscription as its publisher sees it: what the subscriber wants, and how far behind it is.
struct PublishedSubscription : WantedLocations {
  FullTrackName track;
  std::uint64_t track_alias = 0;
  bool established = false;  ///< answered; a PUBLISH may carry objects before that
  bool ending = false;       ///< publish_done() was called: no new streams
  bool forward = true;       ///< Forward State [d15 §5.1]
  ObjectFilter objects;      ///< the Range Filters (draft-22 section 3.3.2)
  std::uint8_t subscriber_priority = 128;
  std::uint8_t publisher_priority = 128;  ///< what streams without a priority of their own have
  GroupOrder group_order = GroupOrder::kAscending;
  DeliveryTimeouts timeouts;
  std::optional<std::uint64_t> new_group_request;  ///< of SUBSCRIBE [d15 §9.2.1.12]
  /// LARGEST_OBJECT of SUBSCRIBE_OK or PUBLISH: what a joining FETCH refers to [d15 §5.1].
  std::optional<Location> largest_at_establishment;
  /// The largest object of the track that the session knows of: given to accept(), sent, or noted.
  std::optional<Location> largest;

  std::size_t queued_bytes = 0;       ///< waiting here, streams and datagrams
  std::size_t outstanding_bytes = 0;  ///< in the transport's hands
  std::uint64_t arrived_bytes = 0;    ///< of streams, as far as the peer has acknowledged them
  std::size_t open_streams = 0;
  std::uint64_t streams_opened = 0;  ///< what PUBLISH_DONE will count
  std::uint64_t datagrams_dropped = 0;

  /// Whether an object there is to be sent, unless `objects` leaves it out.
  [[nodiscard]] bool wants(Location location) const noexcept { return forward && !ending && covers(location); }
};

}  // namespace msquic_py::moqt::session
