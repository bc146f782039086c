#include "quic/platform_settings.h"

namespace msquic_py::quic {
namespace {

constexpr std::uint16_t kDefaultMinimumMtu = 1288;

}  // namespace

QUIC_SETTINGS to_msquic(const Settings& in) noexcept {
  QUIC_SETTINGS out{};
#define MSQUIC_PY_SET(field, member)                           \
  if (in.field) {                                              \
    out.member = static_cast<decltype(out.member)>(*in.field); \
    out.IsSet.member = 1;                                      \
  }
// Bit-fields have no decltype that a cast could name; each is one or two bits wide.
#define MSQUIC_PY_SET_BITS(field, member, mask)                 \
  if (in.field) {                                               \
    out.member = static_cast<std::uint8_t>(*in.field) & (mask); \
    out.IsSet.member = 1;                                       \
  }
  MSQUIC_PY_SET(idle_timeout_ms, IdleTimeoutMs)
  MSQUIC_PY_SET(handshake_idle_timeout_ms, HandshakeIdleTimeoutMs)
  MSQUIC_PY_SET(disconnect_timeout_ms, DisconnectTimeoutMs)
  MSQUIC_PY_SET(keep_alive_interval_ms, KeepAliveIntervalMs)
  MSQUIC_PY_SET(peer_bidi_stream_count, PeerBidiStreamCount)
  MSQUIC_PY_SET(peer_unidi_stream_count, PeerUnidiStreamCount)
  MSQUIC_PY_SET(congestion_control, CongestionControlAlgorithm)
  MSQUIC_PY_SET(stream_recv_window, StreamRecvWindowDefault)
  MSQUIC_PY_SET(stream_recv_window_bidi_local, StreamRecvWindowBidiLocalDefault)
  MSQUIC_PY_SET(stream_recv_window_bidi_remote, StreamRecvWindowBidiRemoteDefault)
  MSQUIC_PY_SET(stream_recv_window_unidi, StreamRecvWindowUnidiDefault)
  MSQUIC_PY_SET(stream_recv_buffer, StreamRecvBufferDefault)
  MSQUIC_PY_SET(conn_flow_control_window, ConnFlowControlWindow)
  MSQUIC_PY_SET(max_ack_delay_ms, MaxAckDelayMs)
  MSQUIC_PY_SET(initial_rtt_ms, InitialRttMs)
  MSQUIC_PY_SET(initial_window_packets, InitialWindowPackets)
  MSQUIC_PY_SET(send_idle_timeout_ms, SendIdleTimeoutMs)
  MSQUIC_PY_SET(dest_cid_update_idle_timeout_ms, DestCidUpdateIdleTimeoutMs)
  MSQUIC_PY_SET(minimum_mtu, MinimumMtu)
  MSQUIC_PY_SET(maximum_mtu, MaximumMtu)
  MSQUIC_PY_SET(mtu_discovery_search_complete_timeout_us, MtuDiscoverySearchCompleteTimeoutUs)
  MSQUIC_PY_SET(mtu_discovery_missing_probe_count, MtuDiscoveryMissingProbeCount)
  MSQUIC_PY_SET(max_bytes_per_key, MaxBytesPerKey)
  MSQUIC_PY_SET(max_operations_per_drain, MaxOperationsPerDrain)
  MSQUIC_PY_SET_BITS(datagram_receive_enabled, DatagramReceiveEnabled, 1)
  MSQUIC_PY_SET_BITS(server_resumption_level, ServerResumptionLevel, 3)
  MSQUIC_PY_SET_BITS(send_buffering_enabled, SendBufferingEnabled, 1)
  MSQUIC_PY_SET_BITS(pacing_enabled, PacingEnabled, 1)
  MSQUIC_PY_SET_BITS(migration_enabled, MigrationEnabled, 1)
  MSQUIC_PY_SET_BITS(ecn_enabled, EcnEnabled, 1)
  MSQUIC_PY_SET_BITS(grease_quic_bit_enabled, GreaseQuicBitEnabled, 1)
  if (in.hystart_enabled) {
    out.HyStartEnabled = *in.hystart_enabled ? 1 : 0;
    out.IsSet.HyStartEnabled = 1;
  }
#undef MSQUIC_PY_SET
#undef MSQUIC_PY_SET_BITS
  // MsQuic refuses connections whose largest MTU is below the smallest, which is 1288 unless it is set.
  if (in.maximum_mtu && !in.minimum_mtu && *in.maximum_mtu < kDefaultMinimumMtu) {
    out.MinimumMtu = *in.maximum_mtu;
    out.IsSet.MinimumMtu = 1;
  }
  return out;
}

}  // namespace msquic_py::quic
