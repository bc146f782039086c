#pragma once

#include <chrono>
#include <cstddef>

#include "base/ledger/memory_limits.h"

namespace msquic_py::relay {

/// What the relay spends on one peer or one track before it says no. On by default.
struct RelayLimits {
  /// Memory, by whom it is held for. `memory.track` and `memory.tracks` bound the cache; see its other limits below.
  base::MemoryLimits memory;
  /// Bytes that may wait for one subscription of one subscriber. Beyond it the subscriber skips to the next group.
  /// They wait in the track's store, once for all who wait: less than what one track may have in the cache.
  std::size_t max_queued_bytes_per_subscription = 48 * 1024 * 1024;
  /// How old the oldest of them may be; 0: of any age.
  std::chrono::milliseconds max_queue_age{60'000};
  /// How much of a live track may wait for one subscriber, by the time in which it came: beyond it the subscriber goes
  /// on with the newest group, see SubscriptionLimits::queued_time. 0: any. Not where publishers are held.
  std::chrono::milliseconds max_queued_time{4000};
  /// Publishers wait for the slowest subscriber of their track, which then skips only what is older than
  /// `max_queue_age`. Off, a slow subscriber never slows others: right for what is live.
  bool hold_publishers = false;
  /// How often a subscriber may have to skip without catching up in between before it is ended with TOO_FAR_BEHIND.
  std::size_t max_consecutive_skips = 16;
  /// Tracks that may be known at once; a SUBSCRIBE or PUBLISH for a further one gets REQUEST_ERROR.
  std::size_t max_tracks = 100'000;
  /// Namespaces that may be published at once, over all sessions.
  std::size_t max_namespaces = 100'000;
  /// Fewest fields of a prefix that SUBSCRIBE_NAMESPACE may name [d15 §12.3.2]; 0 admits every prefix.
  std::size_t min_prefix_fields = 0;
  /// How long a publisher may take to answer a SUBSCRIBE, FETCH or TRACK_STATUS that the relay makes for others,
  /// waiting for its credit included; then those are refused with TIMEOUT. Well below the minute that clients wait for
  /// the relay.
  std::chrono::milliseconds upstream_answer_timeout{10'000};
  /// How long a SUBSCRIBE for a track that nobody publishes waits for a publisher before it is refused (later drafts:
  /// rendezvous timeout), and how long subscribers of a publisher that was lost wait for another one; 0: not at all.
  std::chrono::milliseconds rendezvous_timeout{0};
  /// How long subscribers wait for an upstream that was lost, or for another one in its place.
  std::chrono::milliseconds upstream_loss_timeout{30'000};
  /// How long a subscription at an upstream outlives the last subscriber here.
  std::chrono::milliseconds upstream_linger{2'000};
  /// How long a SUBSCRIBE may wait for a publisher of its track to appear, if its RENDEZVOUS_TIMEOUT asks for that
  /// (drafts from 17 on). 0: not at all.
  std::chrono::milliseconds max_rendezvous{60'000};
  /// How long a stream that may not be finished waits for what was sent on it to be acknowledged before it is reset.
  std::chrono::milliseconds retired_stream_timeout{5000};
  /// How long a subgroup that its publisher broke off waits for another publisher to go on with it.
  std::chrono::milliseconds takeover_timeout{2000};

  // ---- the cache [d15 §8.1] ----

  /// Groups are kept for this long after their newest object came; 0 keeps nothing. A publisher's MAX_CACHE_DURATION
  /// shortens it.
  std::chrono::milliseconds cache_duration{60'000};
  /// Bytes that a FETCH to a publisher may be ahead of the clients it is made for; beyond it the publisher waits.
  std::size_t max_fetch_lead = 4 * 1024 * 1024;
};

}  // namespace msquic_py::relay
