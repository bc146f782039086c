#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "transport/capabilities.h"
#include "transport/close_reason.h"
#include "transport/received_data.h"
#include "transport/report.h"
#include "transport/stream.h"

namespace msquic_py::transport {

/// A stream that the peer has opened.
struct PeerStream {
  StreamHandle stream;
  std::uint64_t id = 0;  ///< the carrier's number of it, below 2^62; no other stream of the connection has it
  Direction direction = Direction::Unidirectional;
};

/// Receives the events of one connection and of its streams, one at a time, on whatever thread the carrier has. The
/// methods must return quickly: a slow one may hold up other connections. They may be called inside a call on the
/// connection or a stream, so hold no lock around such calls that a handler takes. Nothing but on_datagram_size() comes
/// before on_connected(), and nothing after on_closed(); the carrier then lets go of the handler.
class ConnectionHandler {
 public:
  ConnectionHandler() = default;
  ConnectionHandler(const ConnectionHandler&) = delete;
  ConnectionHandler& operator=(const ConnectionHandler&) = delete;
  virtual ~ConnectionHandler() = default;

  // ---- the connection ----

  virtual void on_connected(const Capabilities& capabilities) noexcept = 0;
  /// The connection is over. Called once, also for a connection that never came about. Every stream has ended before.
  virtual void on_closed(const CloseReason& reason) noexcept = 0;
  /// Whether on_report() is wanted. Asked when the connection is connected.
  [[nodiscard]] virtual bool wants_reports() const noexcept { return false; }
  /// For each packet that acknowledges some of ours. What was acknowledged has been reported by on_sent() before.
  virtual void on_report(const Report& report) noexcept;

  // ---- streams ----

  /// So many more bidirectional streams of this side does the peer admit now; those that it opens later need not wait.
  /// Told when the connection is connected, and whenever it becomes more. A carrier that cannot know never tells.
  virtual void on_streams_admitted(std::uint64_t bidirectional) noexcept;
  /// The key under which the events of this stream come; nothing refuses the stream.
  virtual std::optional<StreamKey> on_peer_stream(PeerStream stream) noexcept = 0;
  /// Returns how many bytes were taken, at most data.size. Fewer pauses the stream: nothing more is delivered until
  /// Stream::resume_receive(), then the untaken bytes come first, and flow control holds the peer back.
  virtual std::uint64_t on_received(StreamKey stream, const ReceivedData& data) noexcept = 0;
  /// The bytes of a send have arrived, or were given up (`canceled`); their memory is no longer used.
  virtual void on_sent(StreamKey stream, std::uint64_t token, bool canceled) noexcept = 0;
  /// The peer has reset its direction with `code`; bytes not yet delivered are lost.
  virtual void on_peer_reset(StreamKey stream, std::uint64_t code) noexcept = 0;
  /// The peer wants no more bytes. The carrier has reset our direction, with code 0.
  virtual void on_peer_stop(StreamKey stream, std::uint64_t code) noexcept = 0;
  /// Every direction of the stream has ended, and the peer knows, or the connection ended (`with_connection`). The last
  /// event of the stream, once for every stream of which the peer was told and for every one of the peer.
  virtual void on_stream_closed(StreamKey stream, bool with_connection) noexcept = 0;

  // ---- datagrams ----

  /// Connection::max_datagram_size() has changed.
  virtual void on_datagram_size(std::size_t largest) noexcept;
  /// Valid only during the call.
  virtual void on_datagram(base::Bytes datagram) noexcept;
  /// The datagram has left, or was dropped before (`canceled`); its memory is no longer used.
  virtual void on_datagram_sent(std::uint64_t token, bool canceled) noexcept;
};

inline void ConnectionHandler::on_streams_admitted(std::uint64_t /*bidirectional*/) noexcept {}
inline void ConnectionHandler::on_report(const Report& /*report*/) noexcept {}
inline void ConnectionHandler::on_datagram_size(std::size_t /*largest*/) noexcept {}
inline void ConnectionHandler::on_datagram(base::Bytes /*datagram*/) noexcept {}
inline void ConnectionHandler::on_datagram_sent(std::uint64_t /*token*/, bool /*canceled*/) noexcept {}

}  // namespace msquic_py::transport
