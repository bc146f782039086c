#pragma once

#include <cstdint>
#include <optional>

namespace msquic_py::quic {

enum class CongestionControl : std::uint16_t { Cubic = 0, Bbr = 1 };
enum class ServerResumption : std::uint8_t { None = 0, ResumeOnly = 1, ResumeAndZeroRtt = 2 };

/// Transport settings. An absent field keeps MsQuic's default (named behind it); 0 is a value like any other.
/// Times are milliseconds, windows bytes.
struct Settings {
  std::optional<std::uint64_t> idle_timeout_ms;             ///< 30000; 0 = never
  std::optional<std::uint64_t> handshake_idle_timeout_ms;   ///< 10000
  std::optional<std::uint32_t> disconnect_timeout_ms;       ///< 16000
  std::optional<std::uint32_t> keep_alive_interval_ms;      ///< 0 = off
  std::optional<std::uint16_t> peer_bidi_stream_count;      ///< 0: the peer may not open any
  std::optional<std::uint16_t> peer_unidi_stream_count;     ///< 0: the peer may not open any
  std::optional<bool> datagram_receive_enabled;             ///< false
  std::optional<ServerResumption> server_resumption_level;  ///< None
  /// True (default): MsQuic copies and completes sends at once. False: no copy, and a send completes when the peer
  /// acknowledged it; keep at least the ideal send buffer size outstanding.
  std::optional<bool> send_buffering_enabled;
  std::optional<bool> pacing_enabled;                   ///< true
  std::optional<bool> migration_enabled;                ///< true
  std::optional<bool> ecn_enabled;                      ///< false
  std::optional<CongestionControl> congestion_control;  ///< Cubic
  std::optional<std::uint32_t> stream_recv_window;      ///< 65536; a power of two
  std::optional<std::uint32_t> stream_recv_window_bidi_local;
  std::optional<std::uint32_t> stream_recv_window_bidi_remote;
  std::optional<std::uint32_t> stream_recv_window_unidi;
  std::optional<std::uint32_t> stream_recv_buffer;        ///< 4096; a power of two
  std::optional<std::uint32_t> conn_flow_control_window;  ///< 16 MiB
  std::optional<std::uint32_t> max_ack_delay_ms;          ///< 25
  std::optional<std::uint32_t> initial_rtt_ms;            ///< 333
  std::optional<std::uint32_t> initial_window_packets;    ///< 10
  std::optional<std::uint32_t> send_idle_timeout_ms;      ///< 1000
  std::optional<std::uint16_t> minimum_mtu;               ///< 1288
  std::optional<std::uint16_t> maximum_mtu;               ///< 1500
  std::optional<std::uint8_t> max_operations_per_drain;   ///< 16
};

}  // namespace msquic_py::quic
