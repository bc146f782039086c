#pragma once

#include <cstdint>

namespace msquic_py::quic {

/// A connection's counters, since it began. Times are microseconds. Bytes of packets are UDP payloads.
struct ConnectionStatistics {
  std::uint32_t rtt_us = 0;  ///< smoothed
  std::uint32_t min_rtt_us = 0;
  std::uint32_t max_rtt_us = 0;
  std::uint32_t rtt_variance_us = 0;
  std::uint64_t handshake_us = 0;  ///< from the start until the peer's handshake packets were processed; 0 before
  std::uint16_t send_path_mtu = 0;
  std::uint32_t send_congestion_window = 0;  ///< bytes
  std::uint32_t send_congestion_count = 0;
  std::uint32_t send_persistent_congestion_count = 0;
  std::uint32_t send_ecn_congestion_count = 0;
  std::uint64_t send_total_packets = 0;
  std::uint64_t send_retransmittable_packets = 0;
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
  std::uint64_t recv_valid_ack_frames = 0;
  std::uint32_t key_update_count = 0;
  std::uint32_t destination_cid_update_count = 0;
  bool version_negotiation = false;  ///< the server asked for another version
  bool stateless_retry = false;      ///< the server asked for proof of the address
  bool resumption_attempted = false;
  bool resumption_succeeded = false;
  bool grease_bit_negotiated = false;
  bool ecn_capable = false;
};

}  // namespace msquic_py::quic
