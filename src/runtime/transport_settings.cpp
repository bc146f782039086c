#include "runtime/transport_settings.h"

#include <algorithm>

#include "moqt/session/session_config.h"

namespace msquic_py::runtime {

quic::Settings transport_settings(std::uint16_t incoming_streams, std::uint64_t open_requests) {
  quic::Settings settings;
  // A peer that vanished without a word is noticed this soon; live media can't wait for MsQuic's half minute.
  settings.idle_timeout_ms = 15'000;
  settings.keep_alive_interval_ms = 5'000;
  // One for each request, in drafts that have such streams. Draft-15 has a single one; a few more are admitted so that
  // opening one is seen and answered with PROTOCOL_VIOLATION instead of waiting for ever on a stream limit.
  constexpr std::uint64_t kLeast = moqt::session::Limits::kLeastRequestStreams;
  const auto streams = std::clamp<std::uint64_t>(open_requests, kLeast, 0xffff);
  settings.peer_bidi_stream_count = static_cast<std::uint16_t>(streams);
  settings.peer_unidi_stream_count = incoming_streams;
  settings.datagram_receive_enabled = true;  // [d15 §3.1-1]
  settings.send_buffering_enabled = false;
  // Streams of one priority share the path; all else about their order is said with priorities.
  settings.stream_scheduling = quic::StreamScheduling::RoundRobin;
  settings.stream_recv_window = 512 * 1024;
  settings.migration_enabled = false;  // this version of MsQuic has path-migration defects that a peer can reach
  return settings;
}

}  // namespace msquic_py::runtime
