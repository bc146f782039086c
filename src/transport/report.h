#pragma once

#include <chrono>
#include <cstdint>

namespace msquic_py::transport {

/// What a connection can send at this moment.
struct Report {
  /// Given to streams and not acknowledged, sent or not; a send counts until its last byte is acknowledged.
  std::uint64_t posted_bytes = 0;
  std::uint64_t bytes_in_flight = 0;        ///< of packets that are neither acknowledged nor counted as lost
  std::uint64_t congestion_window = 0;      ///< bytes
  std::chrono::microseconds round_trip{0};  ///< smoothed
};

}  // namespace msquic_py::transport
