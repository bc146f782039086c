#include "msquic_statistics.h"

#include <string>

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

nb::object make(const char* name, const nb::dict& fields) {
  return nb::module_::import_("msquic.statistics").attr(name)(**fields);
}

}  // namespace

#define MSQUIC_PY_FIELD(name) fields[#name] = from.name;

nb::object statistics_object(const quic::ConnectionStatistics& from) {
  nb::dict fields;
  MSQUIC_PY_FIELD(rtt_us)
  MSQUIC_PY_FIELD(min_rtt_us)
  MSQUIC_PY_FIELD(max_rtt_us)
  MSQUIC_PY_FIELD(rtt_variance_us)
  MSQUIC_PY_FIELD(handshake_us)
  MSQUIC_PY_FIELD(send_path_mtu)
  MSQUIC_PY_FIELD(send_congestion_window)
  MSQUIC_PY_FIELD(send_congestion_count)
  MSQUIC_PY_FIELD(send_persistent_congestion_count)
  MSQUIC_PY_FIELD(send_ecn_congestion_count)
  MSQUIC_PY_FIELD(send_total_packets)
  MSQUIC_PY_FIELD(send_retransmittable_packets)
  MSQUIC_PY_FIELD(send_suspected_lost_packets)
  MSQUIC_PY_FIELD(send_spurious_lost_packets)
  MSQUIC_PY_FIELD(send_total_bytes)
  MSQUIC_PY_FIELD(send_total_stream_bytes)
  MSQUIC_PY_FIELD(recv_total_packets)
  MSQUIC_PY_FIELD(recv_reordered_packets)
  MSQUIC_PY_FIELD(recv_dropped_packets)
  MSQUIC_PY_FIELD(recv_duplicate_packets)
  MSQUIC_PY_FIELD(recv_total_bytes)
  MSQUIC_PY_FIELD(recv_total_stream_bytes)
  MSQUIC_PY_FIELD(recv_decryption_failures)
  MSQUIC_PY_FIELD(recv_valid_ack_frames)
  MSQUIC_PY_FIELD(key_update_count)
  MSQUIC_PY_FIELD(destination_cid_update_count)
  MSQUIC_PY_FIELD(version_negotiation)
  MSQUIC_PY_FIELD(stateless_retry)
  MSQUIC_PY_FIELD(resumption_attempted)
  MSQUIC_PY_FIELD(resumption_succeeded)
  MSQUIC_PY_FIELD(grease_bit_negotiated)
  MSQUIC_PY_FIELD(ecn_capable)
  return make("ConnectionStatistics", fields);
}

nb::object statistics_object(const quic::StreamStatistics& from) {
  nb::dict fields;
  MSQUIC_PY_FIELD(blocked_by_scheduling_us)
  MSQUIC_PY_FIELD(blocked_by_pacing_us)
  MSQUIC_PY_FIELD(blocked_by_amplification_protection_us)
  MSQUIC_PY_FIELD(blocked_by_congestion_control_us)
  MSQUIC_PY_FIELD(blocked_by_connection_flow_control_us)
  MSQUIC_PY_FIELD(blocked_by_stream_limit_us)
  MSQUIC_PY_FIELD(blocked_by_stream_flow_control_us)
  MSQUIC_PY_FIELD(blocked_by_application_us)
  return make("StreamStatistics", fields);
}

nb::object statistics_object(const quic::ListenerStatistics& from) {
  nb::dict fields;
  MSQUIC_PY_FIELD(accepted_connections)
  MSQUIC_PY_FIELD(rejected_connections)
  MSQUIC_PY_FIELD(dropped_packets)
  return make("ListenerStatistics", fields);
}

nb::object statistics_object(const quic::PerformanceCounters& from) {
  nb::dict fields;
  MSQUIC_PY_FIELD(connections_created)
  MSQUIC_PY_FIELD(connections_active)
  MSQUIC_PY_FIELD(connections_connected)
  MSQUIC_PY_FIELD(handshake_failures)
  MSQUIC_PY_FIELD(connections_rejected_by_application)
  MSQUIC_PY_FIELD(connections_rejected_by_load)
  MSQUIC_PY_FIELD(connections_resumed)
  MSQUIC_PY_FIELD(connections_no_alpn)
  MSQUIC_PY_FIELD(protocol_errors)
  MSQUIC_PY_FIELD(connections_queued)
  MSQUIC_PY_FIELD(connection_operations_queued)
  MSQUIC_PY_FIELD(connection_operations_completed)
  MSQUIC_PY_FIELD(worker_operations_queued)
  MSQUIC_PY_FIELD(worker_operations_completed)
  MSQUIC_PY_FIELD(streams_active)
  MSQUIC_PY_FIELD(packets_suspected_lost)
  MSQUIC_PY_FIELD(packets_dropped)
  MSQUIC_PY_FIELD(packets_decryption_failed)
  MSQUIC_PY_FIELD(paths_validated)
  MSQUIC_PY_FIELD(paths_failed)
  MSQUIC_PY_FIELD(stateless_resets_sent)
  MSQUIC_PY_FIELD(stateless_retries_sent)
  MSQUIC_PY_FIELD(udp_received)
  MSQUIC_PY_FIELD(udp_sent)
  MSQUIC_PY_FIELD(udp_received_bytes)
  MSQUIC_PY_FIELD(udp_sent_bytes)
  MSQUIC_PY_FIELD(udp_receive_events)
  MSQUIC_PY_FIELD(udp_send_calls)
  MSQUIC_PY_FIELD(application_sent_bytes)
  MSQUIC_PY_FIELD(application_received_bytes)
  return make("PerformanceCounters", fields);
}

#undef MSQUIC_PY_FIELD

nb::object handshake_object(const std::optional<quic::HandshakeInfo>& handshake) {
  if (!handshake) return nb::none();
  const auto text = [](const std::string& value) { return nb::str(value.data(), value.size()); };
  nb::dict fields;
  fields["quic_version"] = text(quic::quic_version_name(handshake->quic_version));
  fields["tls_version"] = text(handshake->tls_version == 0x0304 ? "TLSv1.3" : "");
  fields["cipher_suite"] = text(quic::cipher_suite_name(handshake->cipher_suite));
  fields["group"] = text(quic::tls_group_name(handshake->group));
  return make("HandshakeInfo", fields);
}

}  // namespace msquic_py::python
