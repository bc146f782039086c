#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quic/status.h"

namespace msquic_py::quic {

enum class CongestionControl : std::uint16_t { Cubic = 0, Bbr = 1 };
/// Only the last lets 0-RTT data reach a handler before the handshake is complete, see ConnectionHandler.
enum class ServerResumption : std::uint8_t { None = 0, ResumeOnly = 1, ResumeAndZeroRtt = 2 };
/// Whose data goes out first among streams of one priority.
enum class StreamScheduling : std::uint8_t { Fifo = 0, RoundRobin = 1 };

/// Transport settings. An absent field keeps MsQuic's default (named behind it); 0 is a value like any other.
/// Times are milliseconds, windows bytes. Fields marked [live] may also change while a connection is open.
struct Settings {
  std::optional<std::uint64_t> idle_timeout_ms;             ///< [live] 30000; 0 = never
  std::optional<std::uint64_t> handshake_idle_timeout_ms;   ///< 10000
  std::optional<std::uint32_t> disconnect_timeout_ms;       ///< [live] 16000; 1 to 600000
  std::optional<std::uint32_t> keep_alive_interval_ms;      ///< [live] 0 = off
  std::optional<std::uint16_t> peer_bidi_stream_count;      ///< [live] 0: the peer may not open any
  std::optional<std::uint16_t> peer_unidi_stream_count;     ///< [live] 0: the peer may not open any
  std::optional<bool> datagram_receive_enabled;             ///< false
  std::optional<ServerResumption> server_resumption_level;  ///< None
  /// [live] 1 MiB; how much of what send_datagram() was given may wait, each datagram counting at least 64 bytes. At
  /// least 1: one datagram is always taken.
  std::optional<std::uint32_t> datagram_send_queue_bytes;
  /// True (default): MsQuic copies and completes sends at once. False: no copy, and a send completes when the peer
  /// acknowledged it; keep at least the ideal send buffer size outstanding.
  std::optional<bool> send_buffering_enabled;
  std::optional<bool> pacing_enabled;                   ///< [live] true
  std::optional<bool> migration_enabled;                ///< true
  std::optional<bool> ecn_enabled;                      ///< false
  std::optional<bool> hystart_enabled;                  ///< false
  std::optional<bool> grease_quic_bit_enabled;          ///< false
  std::optional<CongestionControl> congestion_control;  ///< Cubic
  std::optional<StreamScheduling> stream_scheduling;    ///< [live] Fifo
  std::optional<std::uint32_t> stream_recv_window;      ///< 65536; a power of two
  std::optional<std::uint32_t> stream_recv_window_bidi_local;
  std::optional<std::uint32_t> stream_recv_window_bidi_remote;
  std::optional<std::uint32_t> stream_recv_window_unidi;
  std::optional<std::uint32_t> stream_recv_buffer;               ///< 4096; a power of two, no larger than the windows
  std::optional<std::uint32_t> conn_flow_control_window;         ///< 16 MiB
  std::optional<std::uint32_t> max_ack_delay_ms;                 ///< 25; 1 to 16383
  std::optional<std::uint32_t> initial_rtt_ms;                   ///< 333; at least 1
  std::optional<std::uint32_t> initial_window_packets;           ///< 10
  std::optional<std::uint32_t> send_idle_timeout_ms;             ///< 1000
  std::optional<std::uint32_t> dest_cid_update_idle_timeout_ms;  ///< [live] 20000
  std::optional<std::uint16_t> minimum_mtu;                      ///< 1288; 1248 to 1500
  std::optional<std::uint16_t> maximum_mtu;                      ///< 1500; 1248 to 1500
  std::optional<std::uint64_t> mtu_discovery_search_complete_timeout_us;  ///< [live] 600 s
  std::optional<std::uint8_t> mtu_discovery_missing_probe_count;          ///< [live] 3
  std::optional<std::uint64_t> max_bytes_per_key;                         ///< 2^38, the most
  std::optional<std::uint8_t> max_operations_per_drain;                   ///< 16; at least 1
  std::optional<std::uint8_t> send_dscp;  ///< [live] 0; the DiffServ code point of what is sent (RFC 2474), 0 to 63
  /// Clients: 1 (RFC 9000), 0x6b3343cf (QUIC version 2, RFC 9369), or both, the preferred first. The connection starts
  /// with the first one and takes no other than these. Servers: see LibraryOptions.
  std::optional<std::vector<std::uint32_t>> quic_versions;
};

/// What is wrong with a list of versions, if anything.
std::optional<std::string> not_versions(const std::optional<std::vector<std::uint32_t>>& versions);
/// InvalidParameter, naming the setting and its limits, when MsQuic could not work with `settings`. It checks some of
/// them itself, without saying which was wrong.
Result<void> check_settings(const Settings& settings);
/// InvalidParameter, naming the setting, when one of them cannot change while a connection is open.
Result<void> check_live_settings(const Settings& settings);

}  // namespace msquic_py::quic
