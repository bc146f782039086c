#pragma once

#include <cstdint>

namespace msquic_py::quic {

/// For how long a stream had data but could not send it, by what held it back. Microseconds, since it was started.
struct StreamStatistics {
  std::uint64_t blocked_by_scheduling_us = 0;                ///< other streams of the connection went first
  std::uint64_t blocked_by_pacing_us = 0;                    ///< packets are spread over the round-trip time
  std::uint64_t blocked_by_amplification_protection_us = 0;  ///< the client's address was not proved yet
  std::uint64_t blocked_by_congestion_control_us = 0;        ///< the congestion window was full
  std::uint64_t blocked_by_connection_flow_control_us = 0;   ///< the peer admits no more bytes on the connection
  std::uint64_t blocked_by_stream_limit_us = 0;              ///< the peer admits no more streams
  std::uint64_t blocked_by_stream_flow_control_us = 0;       ///< the peer admits no more bytes on this stream
  std::uint64_t blocked_by_application_us = 0;               ///< the application gave nothing to send
};

}  // namespace msquic_py::quic
