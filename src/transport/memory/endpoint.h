#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "transport/connection_handler.h"
#include "transport/memory/congestion.h"
#include "transport/memory/link.h"
#include "transport/memory/packet.h"
#include "transport/memory/stream_state.h"

namespace msquic_py::transport::memory {

/// One end of a connection in memory. It behaves as QUIC does as far as its users can see: packets that are lost, late
/// and out of order, flow control of streams and of the connection, a congestion window, streams that wait for the
/// peer's limit. The handler is called inside Timeline::step() only, never inside a call on a handle.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
 public:
  Endpoint(std::shared_ptr<Link> link, bool server, std::shared_ptr<ConnectionHandler> handler);
  void join(const std::shared_ptr<Endpoint>& peer) { peer_ = peer; }
  /// The handshake is complete after `delay`.
  void connect_after(Duration delay);

  // ---- for the handles ----

  using StreamPointer = std::shared_ptr<StreamState>;
  [[nodiscard]] bool is_server() const noexcept { return server_; }
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  StreamPointer open(Direction direction, StreamKey key);
  bool send(StreamState& stream, std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token);
  void reset(StreamState& stream, std::uint64_t code);
  void stop(StreamState& stream, std::uint64_t code);
  void resume(const StreamPointer& stream);
  void prioritize(StreamState& stream, std::uint16_t priority);
  void abandon(StreamState& stream);
  void send_datagram(std::span<const base::SharedBytes> slices, std::uint64_t token);
  [[nodiscard]] std::size_t datagram_size() const noexcept;
  void close(std::uint64_t code, std::string_view reason);

  // ---- for the link ----

  void tell_datagram_size();
  void time_out();

  // ---- for tests ----

  /// Streams that have not ended.
  [[nodiscard]] std::size_t open_streams() const noexcept { return streams_.size(); }
  /// Whether the peer's flow control keeps the stream with this key from sending.
  [[nodiscard]] bool held_up(StreamKey key) const;
  [[nodiscard]] std::uint64_t posted_bytes() const noexcept { return posted_; }

 private:
  [[nodiscard]] const Path& path() const noexcept;  ///< to the peer
  [[nodiscard]] const Path& back() const noexcept;
  [[nodiscard]] const Admission& admission() const noexcept;
  [[nodiscard]] const Admission& peer_admission() const noexcept;
  void later(std::function<void(Endpoint&)> task, Duration delay = Duration(0));
  /// Something that reaches the peer in any case, late if it has to be sent again.
  void tell_peer(std::function<void(Endpoint&)> task);

  // endpoint_sending.cpp
  void start(StreamState& stream);
  void pump();
  void pump_later();
  [[nodiscard]] std::uint64_t credit() const noexcept { return connection_limit_ - connection_sent_; }
  StreamState* next_stream();
  void transmit(Packet packet);
  void on_acknowledged(std::uint64_t number);
  void on_lost(std::uint64_t number);
  void report_sent(StreamKey key, const std::vector<OutgoingHalf::Completed>& sends, bool canceled);
  void send_reset(StreamState& stream, std::uint64_t code);
  void raise_stream_count(Direction direction, std::uint64_t count);
  void tell_streams_admitted();

  // endpoint_receiving.cpp
  void receive(const Packet& packet);
  void acknowledge(std::uint64_t number);
  StreamPointer find_or_accept(std::uint64_t id);
  void accept(std::uint64_t id);
  void deliver(const StreamPointer& stream, bool last = false);
  void give_credit(StreamState& stream);
  void on_reset(std::uint64_t id, std::uint64_t code, std::uint64_t final_size);
  void on_stop(std::uint64_t id, std::uint64_t code);
  void close_if_done(StreamState& stream);
  void finish(const CloseReason& reason);

  const std::shared_ptr<Link> link_;
  const bool server_;
  std::shared_ptr<ConnectionHandler> handler_;
  std::weak_ptr<Endpoint> peer_;
  bool connected_ = false;
  bool closing_ = false;
  bool closed_ = false;
  bool reports_ = false;

  std::map<std::uint64_t, StreamPointer> streams_;        // by number
  std::map<std::uint64_t, StreamPointer> streams_by_id_;  // those that have started
  std::array<std::uint64_t, 2> started_{};                // own streams, by direction
  std::array<std::uint64_t, 2> peer_count_{};             // streams that the peer admits, by direction
  std::array<std::uint64_t, 2> accepted_{};               // streams of the peer
  std::array<std::uint64_t, 2> own_count_{};              // streams that the peer has been admitted
  std::uint64_t next_number_ = 1;

  Congestion congestion_;
  Duration round_trip_;
  Time free_at_{};  // when the narrow place of the path takes the next packet; until then it waits there
  bool pump_comes_ = false;
  std::uint64_t next_packet_ = 1;
  std::map<std::uint64_t, Packet> in_flight_;
  std::vector<std::uint64_t> received_;  // packets whose acknowledgement has not gone, or was lost
  std::deque<Datagram> datagrams_;
  std::uint64_t posted_ = 0;
  std::uint64_t connection_sent_ = 0;
  std::uint64_t connection_limit_;  // of the peer
  std::uint64_t connection_read_ = 0;
  std::uint64_t connection_admitted_;  // to the peer
  std::size_t path_datagram_size_;
};

}  // namespace msquic_py::transport::memory
