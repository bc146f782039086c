#include "quic/settings.h"

#include <algorithm>
#include <string>

namespace msquic_py::quic {
namespace {

constexpr std::uint64_t kLargestVarint = (std::uint64_t{1} << 62) - 1;
// Times beyond this overflow when MsQuic counts them in microseconds; it is 34 years.
constexpr std::uint64_t kLongestMs = std::uint64_t{1} << 40;
constexpr std::uint64_t kMostBytesPerKey = std::uint64_t{1} << 38;
// An Initial packet of 1200 bytes in an IPv6 datagram (RFC 9000 section 14.1).
constexpr std::uint64_t kSmallestMtu = 1248;
constexpr std::uint64_t kLargestMtu = 1500;
constexpr std::uint64_t kLargestDscp = 63;
constexpr std::uint32_t kVersion1 = 1;
constexpr std::uint32_t kVersion2 = 0x6b3343cf;
constexpr std::uint32_t kSmallestReceiveBuffer = 4096;
constexpr std::uint32_t kDefaultReceiveWindow = 65536;

base::Failure<Error> refused(std::string message) {
  return base::Failure{Error::own(Status::InvalidParameter, std::move(message))};
}

template <class T>
std::optional<std::string> outside(const char* name, const std::optional<T>& value, std::uint64_t smallest,
                                   std::uint64_t largest) {
  if (!value) return std::nullopt;
  const auto number = static_cast<std::uint64_t>(*value);
  if (number >= smallest && number <= largest) return std::nullopt;
  return std::string(name) + " must be from " + std::to_string(smallest) + " to " + std::to_string(largest) + ", not " +
         std::to_string(number);
}

std::optional<std::string> not_a_power_of_two(const char* name, const std::optional<std::uint32_t>& value) {
  if (!value || (*value != 0 && (*value & (*value - 1)) == 0)) return std::nullopt;
  return std::string(name) + " must be a power of two, not " + std::to_string(*value);
}

}  // namespace

std::optional<std::string> not_versions(const std::optional<std::vector<std::uint32_t>>& versions) {
  if (!versions) return std::nullopt;
  const auto known = [](std::uint32_t version) { return version == kVersion1 || version == kVersion2; };
  const bool good = versions->size() == 1 || (versions->size() == 2 && versions->front() != versions->back());
  if (good && std::all_of(versions->begin(), versions->end(), known)) return std::nullopt;
  return "quic_versions must be 1 (RFC 9000), 0x6b3343cf (RFC 9369), or both, the preferred first";
}

Result<void> check_settings(const Settings& s) {
  for (const auto& problem : {
           outside("idle_timeout_ms", s.idle_timeout_ms, 0, kLongestMs),
           outside("handshake_idle_timeout_ms", s.handshake_idle_timeout_ms, 0, kLongestMs),
           outside("disconnect_timeout_ms", s.disconnect_timeout_ms, 1, 600'000),
           // MsQuic announces a min_ack_delay of one millisecond, which a max_ack_delay of 0 would contradict.
           outside("max_ack_delay_ms", s.max_ack_delay_ms, 1, (1u << 14) - 1),
           outside("initial_rtt_ms", s.initial_rtt_ms, 1, UINT32_MAX / 1000),
           outside("initial_window_packets", s.initial_window_packets, 1, 1'000'000),
           outside("minimum_mtu", s.minimum_mtu, kSmallestMtu, kLargestMtu),
           outside("maximum_mtu", s.maximum_mtu, kSmallestMtu, kLargestMtu),
           outside("mtu_discovery_search_complete_timeout_us", s.mtu_discovery_search_complete_timeout_us, 0,
                   kLargestVarint),
           outside("mtu_discovery_missing_probe_count", s.mtu_discovery_missing_probe_count, 1, UINT8_MAX),
           outside("max_bytes_per_key", s.max_bytes_per_key, 1, kMostBytesPerKey),
           outside("max_operations_per_drain", s.max_operations_per_drain, 1, UINT8_MAX),
           outside("stream_recv_buffer", s.stream_recv_buffer, kSmallestReceiveBuffer, std::uint64_t{1} << 31),
           outside("datagram_send_queue_bytes", s.datagram_send_queue_bytes, 1, UINT32_MAX),
           outside("send_dscp", s.send_dscp, 0, kLargestDscp),
           not_versions(s.quic_versions),
           not_a_power_of_two("stream_recv_window", s.stream_recv_window),
           not_a_power_of_two("stream_recv_window_bidi_local", s.stream_recv_window_bidi_local),
           not_a_power_of_two("stream_recv_window_bidi_remote", s.stream_recv_window_bidi_remote),
           not_a_power_of_two("stream_recv_window_unidi", s.stream_recv_window_unidi),
           // MsQuic takes any size and then wraps its buffer around at the wrong place.
           not_a_power_of_two("stream_recv_buffer", s.stream_recv_buffer),
       }) {
    if (problem) return refused(*problem);
  }
  if (s.minimum_mtu && s.maximum_mtu && *s.minimum_mtu > *s.maximum_mtu) {
    return refused("minimum_mtu must not be larger than maximum_mtu");
  }
  const std::uint32_t buffer = s.stream_recv_buffer.value_or(kSmallestReceiveBuffer);
  for (const auto& window :
       {s.stream_recv_window_bidi_local, s.stream_recv_window_bidi_remote, s.stream_recv_window_unidi}) {
    if (window.value_or(s.stream_recv_window.value_or(kDefaultReceiveWindow)) < buffer) {
      return refused("every stream_recv_window must have room for stream_recv_buffer, " + std::to_string(buffer) +
                     " bytes");
    }
  }
  return {};
}

Result<void> check_live_settings(const Settings& s) {
  const char* fixed = nullptr;
#define MSQUIC_PY_FIXED(field) \
  if (s.field) fixed = #field;
  MSQUIC_PY_FIXED(handshake_idle_timeout_ms)
  MSQUIC_PY_FIXED(datagram_receive_enabled)
  MSQUIC_PY_FIXED(server_resumption_level)
  MSQUIC_PY_FIXED(send_buffering_enabled)
  MSQUIC_PY_FIXED(migration_enabled)
  MSQUIC_PY_FIXED(ecn_enabled)
  MSQUIC_PY_FIXED(hystart_enabled)
  MSQUIC_PY_FIXED(grease_quic_bit_enabled)
  MSQUIC_PY_FIXED(congestion_control)
  MSQUIC_PY_FIXED(stream_recv_window)
  MSQUIC_PY_FIXED(stream_recv_window_bidi_local)
  MSQUIC_PY_FIXED(stream_recv_window_bidi_remote)
  MSQUIC_PY_FIXED(stream_recv_window_unidi)
  MSQUIC_PY_FIXED(stream_recv_buffer)
  MSQUIC_PY_FIXED(conn_flow_control_window)
  MSQUIC_PY_FIXED(max_ack_delay_ms)
  MSQUIC_PY_FIXED(initial_rtt_ms)
  MSQUIC_PY_FIXED(initial_window_packets)
  MSQUIC_PY_FIXED(send_idle_timeout_ms)
  MSQUIC_PY_FIXED(minimum_mtu)
  MSQUIC_PY_FIXED(maximum_mtu)
  MSQUIC_PY_FIXED(max_bytes_per_key)
  MSQUIC_PY_FIXED(max_operations_per_drain)
  MSQUIC_PY_FIXED(quic_versions)
#undef MSQUIC_PY_FIXED
  if (fixed != nullptr) {
    return refused(std::string(fixed) + " cannot change while a connection is open: set it in the configuration");
  }
  return check_settings(s);
}

}  // namespace msquic_py::quic
