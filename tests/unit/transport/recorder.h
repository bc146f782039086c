#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transport/connection_handler.h"

namespace msquic_py::transport::testing {

/// What came of one stream.
struct StreamLog {
  std::uint64_t id = 0;
  Direction direction = Direction::Unidirectional;
  StreamHandle handle;  ///< of a stream that the peer opened
  std::string received;
  bool fin = false;
  std::optional<std::uint64_t> reset;
  std::optional<std::uint64_t> stopped;
  std::vector<std::pair<std::uint64_t, bool>> sent;  ///< token, canceled
  int closed = 0;
  bool with_connection = false;
};

/// Notes everything that a connection tells. Called on the carrier's threads; the test looks under the lock.
class Recorder final : public ConnectionHandler {
 public:
  static constexpr StreamKey kFirstPeerKey = 1000;

  void on_connected(const Capabilities& what) noexcept override {
    const std::lock_guard lock(mutex);
    capabilities = what;
  }
  void on_closed(const CloseReason& reason) noexcept override {
    const std::lock_guard lock(mutex);
    ++closed_times;
    closed = reason;
    for (const auto& [key, stream] : streams) all_streams_ended_before = all_streams_ended_before && stream.closed == 1;
  }
  [[nodiscard]] bool wants_reports() const noexcept override { return true; }
  void on_report(const Report& what) noexcept override {
    const std::lock_guard lock(mutex);
    ++reports;
    report = what;
  }
  void on_streams_admitted(std::uint64_t bidirectional) noexcept override {
    const std::lock_guard lock(mutex);
    streams_admitted = bidirectional;
  }
  std::optional<StreamKey> on_peer_stream(PeerStream stream) noexcept override {
    const std::lock_guard lock(mutex);
    if (refuse_streams) return std::nullopt;
    const StreamKey key = kFirstPeerKey + peer_streams++;
    StreamLog& log = streams[key];
    log.id = stream.id;
    log.direction = stream.direction;
    log.handle = std::move(stream.stream);
    return key;
  }
  std::uint64_t on_received(StreamKey key, const ReceivedData& data) noexcept override {
    const std::lock_guard lock(mutex);
    StreamLog& log = streams[key];
    std::uint64_t taken = 0;
    for (const base::Bytes chunk : data.chunks) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), takes));
      log.received += base::as_text(chunk.first(count));
      taken += count;
      takes -= count;
    }
    if (taken == data.size && data.fin) log.fin = true;
    arrivals.push_back(key);
    return taken;
  }
  void on_sent(StreamKey key, std::uint64_t token, bool canceled) noexcept override {
    const std::lock_guard lock(mutex);
    streams[key].sent.emplace_back(token, canceled);
  }
  void on_peer_reset(StreamKey key, std::uint64_t code) noexcept override {
    const std::lock_guard lock(mutex);
    streams[key].reset = code;
  }
  void on_peer_stop(StreamKey key, std::uint64_t code) noexcept override {
    const std::lock_guard lock(mutex);
    streams[key].stopped = code;
  }
  void on_stream_closed(StreamKey key, bool with_connection) noexcept override {
    const std::lock_guard lock(mutex);
    ++streams[key].closed;
    streams[key].with_connection = with_connection;
  }
  void on_datagram_size(std::size_t largest) noexcept override {
    const std::lock_guard lock(mutex);
    datagram_size = largest;
  }
  void on_datagram(base::Bytes datagram) noexcept override {
    const std::lock_guard lock(mutex);
    datagrams.emplace_back(base::as_text(datagram));
  }
  void on_datagram_sent(std::uint64_t token, bool canceled) noexcept override {
    const std::lock_guard lock(mutex);
    datagrams_sent.emplace_back(token, canceled);
  }

  /// For a test that ends before its connection does: the streams that the peer has opened hold the connection, and
  /// that holds this.
  void let_go() {
    std::vector<StreamHandle> handles;
    const std::lock_guard lock(mutex);
    for (auto& [key, log] : streams) handles.push_back(std::move(log.handle));
  }

  /// The only stream that the peer has opened; call under the lock.
  StreamLog& peer_stream(std::uint64_t number = 0) { return streams[kFirstPeerKey + number]; }

  std::recursive_mutex mutex;
  std::optional<Capabilities> capabilities;
  std::optional<CloseReason> closed;
  int closed_times = 0;
  bool all_streams_ended_before = true;
  std::map<StreamKey, StreamLog> streams;
  std::uint64_t peer_streams = 0;
  std::vector<StreamKey> arrivals;                                  ///< which stream each delivery was of
  std::uint64_t takes = std::numeric_limits<std::uint64_t>::max();  ///< bytes that are still taken
  bool refuse_streams = false;
  std::vector<std::string> datagrams;
  std::vector<std::pair<std::uint64_t, bool>> datagrams_sent;
  std::size_t datagram_size = 0;
  std::optional<std::uint64_t> streams_admitted;  ///< as last told
  int reports = 0;
  Report report;
};

}  // namespace msquic_py::transport::testing
