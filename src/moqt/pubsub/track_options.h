#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "moqt/model/group_order.h"
#include "moqt/objects/retention.h"

namespace msquic_py::moqt::pubsub {

/// What a publisher says of a track, how much of it is kept, and how much may wait for a slow subscriber.
struct TrackOptions {
  std::uint8_t publisher_priority = 128;  ///< 0 is the most urgent
  GroupOrder group_order = GroupOrder::kAscending;
  std::optional<std::uint64_t> delivery_timeout_ms;
  /// From draft 18 on: how long a subgroup may take to arrive whole once all of its objects have been published.
  std::optional<std::uint64_t> subgroup_delivery_timeout_ms;
  std::optional<std::uint64_t> max_cache_duration_ms;
  /// How long a subscription lasts, from its answer or its last SUBSCRIBE_UPDATE on, before it is ended with EXPIRED
  /// [d15 §9.2.1.8]; without it, as long as the track.
  std::optional<std::uint64_t> expires_ms;
  bool dynamic_groups = false;  ///< whether NEW_GROUP_REQUEST is listened to [d15 §9.2.1.11]
  /// Streams with an extension block in every object; needed to send extensions at all.
  bool extensions = true;
  /// Bytes that may wait for one subscriber. Beyond it the groups under way are given up for that subscriber (their
  /// streams are reset) and it goes on with the next one that begins.
  std::size_t queue_limit = 8 * 1024 * 1024;
  /// What is kept of the track for those who come later: FETCH is answered out of it.
  objects::Retention retention;
  /// The application answers a FETCH that what is kept cannot answer in full: FetchRequested.
  bool answers_fetch = false;
};

}  // namespace msquic_py::moqt::pubsub
