// What is read from and changed on a live connection. MsQuic answers such calls on the connection's worker, and the
// caller waits for it; inside the connection's own callbacks it answers at once.
#include <array>

#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/configuration_state.h"
#include "quic/connection_state.h"
#include "quic/platform_settings.h"

namespace msquic_py::quic {
namespace {

ConnectionStatistics from_msquic(const QUIC_STATISTICS_V2& in) noexcept {
  ConnectionStatistics out;
  out.rtt_us = in.Rtt;
  out.min_rtt_us = in.MinRtt;
  out.max_rtt_us = in.MaxRtt;
  out.rtt_variance_us = in.RttVariance;
  if (in.TimingHandshakeFlightEnd > in.TimingStart) out.handshake_us = in.TimingHandshakeFlightEnd - in.TimingStart;
  out.send_path_mtu = in.SendPathMtu;
  out.send_congestion_window = in.SendCongestionWindow;
  out.send_congestion_count = in.SendCongestionCount;
  out.send_persistent_congestion_count = in.SendPersistentCongestionCount;
  out.send_ecn_congestion_count = in.SendEcnCongestionCount;
  out.send_total_packets = in.SendTotalPackets;
  out.send_retransmittable_packets = in.SendRetransmittablePackets;
  out.send_suspected_lost_packets = in.SendSuspectedLostPackets;
  out.send_spurious_lost_packets = in.SendSpuriousLostPackets;
  out.send_total_bytes = in.SendTotalBytes;
  out.send_total_stream_bytes = in.SendTotalStreamBytes;
  out.recv_total_packets = in.RecvTotalPackets;
  out.recv_reordered_packets = in.RecvReorderedPackets;
  out.recv_dropped_packets = in.RecvDroppedPackets;
  out.recv_duplicate_packets = in.RecvDuplicatePackets;
  out.recv_total_bytes = in.RecvTotalBytes;
  out.recv_total_stream_bytes = in.RecvTotalStreamBytes;
  out.recv_decryption_failures = in.RecvDecryptionFailures;
  out.recv_valid_ack_frames = in.RecvValidAckFrames;
  out.key_update_count = in.KeyUpdateCount;
  out.destination_cid_update_count = in.DestCidUpdateCount;
  out.version_negotiation = in.VersionNegotiation != 0;
  out.stateless_retry = in.StatelessRetry != 0;
  out.resumption_attempted = in.ResumptionAttempted != 0;
  out.resumption_succeeded = in.ResumptionSucceeded != 0;
  out.grease_bit_negotiated = in.GreaseBitNegotiated != 0;
  out.ecn_capable = in.EcnCapable != 0;
  return out;
}

}  // namespace

Result<ConnectionStatistics> ConnectionState::statistics() const {
  if (CallbackScope::in_any() && !CallbackScope::in_callback_of(*this)) {
    return base::Failure{
        Error::own(Status::WouldDeadlock, "statistics() inside a handler of another connection could wait for itself")};
  }
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the connection")};
  QUIC_STATISTICS_V2 in{};  // an older MsQuic fills in less of it
  std::uint32_t size = sizeof(in);
  const QUIC_STATUS status = api().GetParam(handle_, QUIC_PARAM_CONN_STATISTICS_V2, &size, &in);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading a connection's statistics")};
  return from_msquic(in);
}

Result<void> ConnectionState::update_settings(const Settings& settings) {
  if (auto checked = check_live_settings(settings); !checked) return checked;
  const Inside inside(*this);
  if (!inside || is_closing()) return base::Failure{closed_handle("the connection")};
  retain();
  const auto apply = [this, settings] {
    {
      const Inside still(*this);
      if (still) apply_settings(settings);
    }
    release();
  };
  if (CallbackScope::in_callback_of(*this))
    apply();
  else
    run_in_background(apply);
  return {};
}

void ConnectionState::apply_settings(const Settings& settings) noexcept {
  const QUIC_SETTINGS converted = to_msquic(settings);
  if (converted.IsSetFlags != 0) {
    static_cast<void>(api().SetParam(handle_, QUIC_PARAM_CONN_SETTINGS, sizeof(converted), &converted));
  }
  apply_own_settings(settings);
}

// What are parameters of a connection and not among MsQuic's settings.
void ConnectionState::apply_own_settings(const Settings& settings) noexcept {
  if (settings.datagram_send_queue_bytes) datagrams_.set_limit(*settings.datagram_send_queue_bytes);
  if (settings.stream_scheduling) {
    const auto scheme = *settings.stream_scheduling == StreamScheduling::RoundRobin
                            ? QUIC_STREAM_SCHEDULING_SCHEME_ROUND_ROBIN
                            : QUIC_STREAM_SCHEDULING_SCHEME_FIFO;
    static_cast<void>(api().SetParam(handle_, QUIC_PARAM_CONN_STREAM_SCHEDULING_SCHEME, sizeof(scheme), &scheme));
  }
  if (settings.send_dscp) {
    const std::uint8_t dscp = *settings.send_dscp;
    static_cast<void>(api().SetParam(handle_, QUIC_PARAM_CONN_SEND_DSCP, sizeof(dscp), &dscp));
  }
}

void ConnectionState::read_handshake() noexcept {
  HandshakeInfo handshake;
  std::uint32_t version = 0;
  std::uint32_t size = sizeof(version);
  if (QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_CONN_QUIC_VERSION, &size, &version)))
    handshake.quic_version = version;
  QUIC_HANDSHAKE_INFO tls{};
  size = sizeof(tls);
  if (QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_TLS_HANDSHAKE_INFO, &size, &tls))) {
    if (tls.TlsProtocolVersion == QUIC_TLS_PROTOCOL_1_3) handshake.tls_version = 0x0304;
    handshake.cipher_suite = static_cast<std::uint16_t>(tls.CipherSuite);
    handshake.group = static_cast<std::uint16_t>(tls.TlsGroup);
  }
  const std::lock_guard lock(mutex_);
  handshake_ = handshake;
}

void ConnectionState::read_original_destination_cid() noexcept {
  std::array<std::uint8_t, 20> id{};  // the longest (RFC 9000 section 17.2)
  std::uint32_t size = id.size();
  if (QUIC_FAILED(api().GetParam(handle_, QUIC_PARAM_CONN_ORIG_DEST_CID, &size, id.data()))) return;
  const std::lock_guard lock(mutex_);
  original_destination_cid_.assign(id.begin(), id.begin() + size);
}

}  // namespace msquic_py::quic
