#pragma once

#include <cstddef>

namespace msquic_py::base {

/// Bytes of memory that an endpoint may hold, by whom they are held for: the limits of a Ledger's accounts. On by
/// default. The memory of the carrier below is not counted: MsQuic bounds it with its flow-control windows.
struct MemoryLimits {
  /// Of everything together. At the limit new connections and new requests are refused, and caches shrink.
  std::size_t process = std::size_t{2} * 1024 * 1024 * 1024;
  /// What has been received on one connection and not been looked at. Beyond it flow control makes the peer wait;
  /// datagrams are dropped.
  std::size_t connection = 4 * 1024 * 1024;
  /// What one session keeps: open requests with their names and tokens, data whose track is not known yet, headers and
  /// messages that wait to be sent. At the limit the peer's new requests are refused.
  std::size_t session = 32 * 1024 * 1024;
  /// What is kept of one track, and of all tracks together, what waits for slow subscribers included. Beyond it whole
  /// groups go, the oldest first.
  std::size_t track = 64 * 1024 * 1024;
  std::size_t tracks = 512 * 1024 * 1024;
  /// What has been received for the application, and not been taken, of all sessions together. Beyond it each object
  /// that comes costs the oldest one of the reader of its session that holds the most; fetches make their publishers
  /// wait by their own, lower limits.
  std::size_t readers = 1024 * 1024 * 1024;
  /// What the application has published and is kept, of all tracks together, what waits for slow subscribers included.
  /// Beyond it whole groups go that no subscriber waits for, the oldest of the track that is written to.
  std::size_t writers = 1024 * 1024 * 1024;
};

}  // namespace msquic_py::base
