#pragma once

#include <chrono>
#include <cstddef>

namespace msquic_py::relay {

/// What the relay spends on one peer or one track before it says no. On by default.
struct RelayLimits {
  /// Bytes that may wait for one subscription of one subscriber. Beyond it the subscriber skips to the next group.
  std::size_t max_queued_bytes_per_subscription = 4 * 1024 * 1024;
  /// How often a subscriber may have to skip without catching up in between before it is ended with TOO_FAR_BEHIND.
  std::size_t max_consecutive_skips = 16;
  /// Tracks that may be known at once; a SUBSCRIBE or PUBLISH for a further one gets REQUEST_ERROR.
  std::size_t max_tracks = 100'000;
  /// Namespaces that may be published at once, over all sessions.
  std::size_t max_namespaces = 100'000;
  /// Fewest fields of a prefix that SUBSCRIBE_NAMESPACE may name (section 12.3.2); 0 admits every prefix.
  std::size_t min_prefix_fields = 0;
  /// How long a publisher may take to answer a SUBSCRIBE or TRACK_STATUS that the relay makes for others, waiting for
  /// its credit included; then those are refused with TIMEOUT. Well below the minute that clients wait for the relay.
  std::chrono::milliseconds upstream_answer_timeout{10'000};
  /// How long a stream that may not be finished waits for what was sent on it to be acknowledged before it is reset.
  std::chrono::milliseconds retired_stream_timeout{5000};
};

}  // namespace msquic_py::relay
