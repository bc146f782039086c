#include "relay/relay_counters.h"

namespace msquic_py::relay {

RelayCounters& RelayCounters::operator+=(const RelayCounters& other) noexcept {
  using Counter = std::uint64_t RelayCounters::*;
  constexpr Counter kCounters[] = {&RelayCounters::objects_delivered,
                                   &RelayCounters::bytes_delivered,
                                   &RelayCounters::groups_skipped,
                                   &RelayCounters::subscribers_too_far_behind,
                                   &RelayCounters::sessions,
                                   &RelayCounters::tracks,
                                   &RelayCounters::upstream_subscriptions,
                                   &RelayCounters::downstream_subscriptions,
                                   &RelayCounters::published_namespaces,
                                   &RelayCounters::objects_received,
                                   &RelayCounters::bytes_received,
                                   &RelayCounters::objects_between_loops,
                                   &RelayCounters::bytes_between_loops,
                                   &RelayCounters::sessions_between_loops,
                                   &RelayCounters::upstreams_between_loops,
                                   &RelayCounters::duplicates_dropped,
                                   &RelayCounters::malformed_tracks,
                                   &RelayCounters::publishers_held,
                                   &RelayCounters::fetches,
                                   &RelayCounters::fetch_hits,
                                   &RelayCounters::fetch_misses,
                                   &RelayCounters::upstream_fetches,
                                   &RelayCounters::objects_fetched,
                                   &RelayCounters::groups_evicted,
                                   &RelayCounters::upstreams,
                                   &RelayCounters::publishers_lost,
                                   &RelayCounters::publishers_replaced,
                                   &RelayCounters::objects_backfilled,
                                   &RelayCounters::backfills_failed,
                                   &RelayCounters::subscriptions_held,
                                   &RelayCounters::publishes_skipped,
                                   &RelayCounters::loops_noticed,
                                   &RelayCounters::cached_tracks,
                                   &RelayCounters::cached_bytes,
                                   &RelayCounters::memory_refusals};
  for (const Counter counter : kCounters) this->*counter += other.*counter;
  deliveries += other.deliveries;
  return *this;
}

}  // namespace msquic_py::relay
