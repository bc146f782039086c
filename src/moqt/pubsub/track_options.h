#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "moqt/model/group_order.h"

namespace msquic_py::moqt::pubsub {

/// What a publisher says of a track, and how much it queues for a slow subscriber.
struct TrackOptions {
  std::uint8_t publisher_priority = 128;  ///< 0 is the most urgent
  GroupOrder group_order = GroupOrder::kAscending;
  std::optional<std::uint64_t> delivery_timeout_ms;
  std::optional<std::uint64_t> max_cache_duration_ms;
  bool dynamic_groups = false;  ///< whether NEW_GROUP_REQUEST is listened to (section 9.2.1.11)
  /// Streams with an extension block in every object; needed to send extensions at all.
  bool extensions = true;
  /// Bytes that may wait for one subscriber. Beyond it the present group is given up for that subscriber (its stream
  /// is reset) and it goes on with the next group.
  std::size_t queue_limit = 8 * 1024 * 1024;
};

}  // namespace msquic_py::moqt::pubsub
