#pragma once

#include <cstdint>

namespace msquic_py::relay {

/// What the relay has done since it began; gauges are marked.
struct RelayCounters {
  std::uint64_t sessions = 0;                  ///< gauge
  std::uint64_t tracks = 0;                    ///< gauge
  std::uint64_t upstream_subscriptions = 0;    ///< gauge
  std::uint64_t downstream_subscriptions = 0;  ///< gauge
  std::uint64_t published_namespaces = 0;      ///< gauge
  std::uint64_t objects_received = 0;          ///< on streams and as datagrams, duplicates included
  std::uint64_t objects_delivered = 0;         ///< once per subscriber
  std::uint64_t bytes_received = 0;            ///< of objects, headers included
  std::uint64_t bytes_delivered = 0;
  std::uint64_t duplicates_dropped = 0;  ///< objects that another publisher had sent already
  std::uint64_t groups_skipped = 0;      ///< by subscribers that fell behind
  std::uint64_t subscribers_too_far_behind = 0;
  std::uint64_t malformed_tracks = 0;
};

}  // namespace msquic_py::relay
