#pragma once

#include <cstdint>

#include "moqt/objects/delivery_account.h"
#include "moqt/objects/delivery_counters.h"

namespace msquic_py::relay {

/// What the relay has done since it began; gauges are marked.
struct RelayCounters : moqt::objects::DeliveryCounters {
  std::uint64_t sessions = 0;                  ///< gauge
  std::uint64_t tracks = 0;                    ///< gauge
  std::uint64_t upstream_subscriptions = 0;    ///< gauge
  std::uint64_t downstream_subscriptions = 0;  ///< gauge
  std::uint64_t published_namespaces = 0;      ///< gauge
  std::uint64_t objects_received = 0;          ///< on streams and as datagrams, duplicates included
  std::uint64_t bytes_received = 0;            ///< of objects, headers included
  std::uint64_t objects_between_loops = 0;     ///< received by one event loop of this relay from another one
  std::uint64_t bytes_between_loops = 0;
  std::uint64_t sessions_between_loops = 0;   ///< gauge: of `sessions`, the ends of those with other event loops
  std::uint64_t upstreams_between_loops = 0;  ///< gauge: of `upstreams`, those that are another event loop
  std::uint64_t duplicates_dropped = 0;       ///< objects that another publisher had sent already
  std::uint64_t malformed_tracks = 0;
  std::uint64_t publishers_held = 0;  ///< times that a track had to wait for its slowest subscriber
  /// FETCH requests of clients, fills included; also those that were refused, but for what their session refuses by
  /// itself: too many at once, a range that ends before it starts, a joining FETCH of what cannot be joined.
  std::uint64_t fetches = 0;
  std::uint64_t fetch_hits = 0;        ///< of those, accepted out of the cache alone
  std::uint64_t fetch_misses = 0;      ///< of those, for which the cache had not everything, or not the largest object
  std::uint64_t upstream_fetches = 0;  ///< FETCH requests to publishers; several clients may wait for one
  std::uint64_t objects_fetched = 0;   ///< that came in answer to those
  std::uint64_t groups_evicted = 0;    ///< from caches
  std::uint64_t upstreams = 0;         ///< gauge: with a session
  std::uint64_t publishers_lost = 0;   ///< times that a track with subscribers lost its last publisher
  std::uint64_t publishers_replaced = 0;  ///< of those, that another one went on with it
  std::uint64_t objects_backfilled = 0;   ///< that had been missed, and came by FETCH then; known ones included
  std::uint64_t backfills_failed = 0;     ///< what was missed could not be had
  std::uint64_t subscriptions_held = 0;   ///< that had to wait for a publisher or an upstream
  std::uint64_t publishes_skipped = 0;    ///< tracks that a listener was told not to be offered, for want of streams
  std::uint64_t loops_noticed = 0;        ///< of relays that are each other's upstreams
  /// What became of the objects of all subscriptions, each counted once for each subscription that was there.
  moqt::objects::DeliveryAccount deliveries;
  std::uint64_t cached_tracks = 0;  ///< gauge: tracks that nobody publishes or wants any more, kept for a while
  std::uint64_t cached_bytes = 0;   ///< gauge

  // ---- the ledger: bytes of memory that are held now, all gauges ----
  std::uint64_t memory_bytes = 0;              ///< of everything below
  std::uint64_t memory_connections_bytes = 0;  ///< received and not looked at, and what is ready for it
  std::uint64_t memory_sessions_bytes = 0;     ///< requests, headers, control messages
  std::uint64_t memory_tracks_bytes = 0;       ///< objects, until transports have let go of them, and their records
  std::uint64_t memory_refusals = 0;           ///< no gauge: of tracks, for want of memory

  /// Adds what another event loop of the same relay has counted. The ledger is the same, and stays as it is.
  RelayCounters& operator+=(const RelayCounters& other) noexcept;
};

}  // namespace msquic_py::relay
