#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

/// What one direction of a link does to packets.
struct Path {
  Duration latency = std::chrono::milliseconds(10);
  /// Up to so much more for each packet, which lets packets overtake each other.
  Duration jitter{0};
  std::uint32_t loss_per_million = 0;
  std::uint64_t bytes_per_second = 0;  ///< 0: as many as there are
  /// How long a packet waits at most where the path is narrow; one that would wait longer is lost. 0: for any time.
  Duration queue{0};
};

/// What one endpoint lets the other do.
struct Admission {
  std::uint64_t stream_window = 512 * 1024;  ///< bytes that a stream may have unread
  std::uint64_t connection_window = 16 * 1024 * 1024;
  std::uint64_t unidirectional_streams = 1152;  ///< that may be open at once
  std::uint64_t bidirectional_streams = 4;
  std::size_t datagram_size = 1200;  ///< the largest; 0: none is taken
};

/// What an endpoint takes for the sign of a full path.
enum class CongestionControl : std::uint8_t {
  kLoss,       ///< a lost packet, as NewReno and CUBIC do
  kBandwidth,  ///< that no more arrives than before, as BBR does
};

struct LinkOptions {
  Path to_server;
  Path to_client;
  Admission client;  ///< what the client admits
  Admission server;
  std::size_t first_congestion_window = 12'000;
  CongestionControl congestion_control = CongestionControl::kLoss;
  Duration idle_timeout = std::chrono::seconds(15);  ///< after which a cut link is noticed
  std::string protocol = "moqt-15";
  std::optional<std::uint64_t> seed;  ///< nothing: drawn from the network's
};

}  // namespace msquic_py::transport::memory
