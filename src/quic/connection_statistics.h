#pragma once

#include <cstdint>

namespace msquic_py::quic {

/// A connection's counters. Times are microseconds.
struct ConnectionStatistics {
  std::uint32_t rtt_us = 0;
  std::uint32_t min_rtt_us = 0;
  std::uint32_t max_rtt_us = 0;
  std::uint32_t rtt_variance_us = 0;
  std::uint16_t send_path_mtu = 0;
  std::uint32_t send_congestion_window = 0;  ///< bytes
  std::uint32_t send_congestion_count = 0;
  std::uint64_t send_total_packets = 0;
  std::uint64_t send_suspected_lost_packets = 0;
  std::uint64_t send_spurious_lost_packets = 0;  ///< of the suspected ones, later found acknowledged
  std::uint64_t send_total_bytes = 0;
  std::uint64_t send_total_stream_bytes = 0;
  std::uint64_t recv_total_packets = 0;
  std::uint64_t recv_reordered_packets = 0;
  std::uint64_t recv_dropped_packets = 0;
  std::uint64_t recv_duplicate_packets = 0;
  std::uint64_t recv_total_bytes = 0;
  std::uint64_t recv_total_stream_bytes = 0;
  std::uint64_t recv_decryption_failures = 0;
  std::uint32_t key_update_count = 0;
  bool resumption_attempted = false;
  bool resumption_succeeded = false;
};

}  // namespace msquic_py::quic
