#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// Bytes that arrived on a stream. The chunks are MsQuic's memory, valid only during on_receive().
struct ReceivedData {
  std::uint64_t offset = 0;  ///< of the first byte in the stream
  std::uint64_t size = 0;    ///< sum of the chunks
  std::span<const base::Bytes> chunks;
  /// The peer finished its direction with the last of these bytes; chunks may be empty. When fewer bytes than `size`
  /// are taken, the rest comes again later together with the fin.
  bool fin = false;
  bool early_data = false;  ///< some of it came as 0-RTT data, which an attacker can replay
  /// The peer reset the stream, or the connection ended: what is not taken now is lost.
  bool last = false;
};

/// How a stream ended.
struct StreamShutdown {
  bool connection_shutdown = false;  ///< it ended because its connection did
  bool by_application = false;       ///< the connection was closed by an application, not by the transport
  bool remote = false;               ///< ... by the peer's
  std::uint64_t connection_error_code = 0;
  Status connection_status = Status::Success;
};

/// Receives the events of one stream. The methods run on MsQuic's threads, never two at a time for one connection,
/// and must return quickly: a slow handler holds up every connection of its worker. They may be called inside a call
/// on the stream, so hold no lock around such calls that a handler takes. Every event of a handler comes before its
/// on_shutdown_complete(), which is called exactly once; the handler is released after it.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  /// A locally opened stream has its ID, or failed to start (StreamLimitReached, Aborted, …).
  /// `peer_accepted` is false when the stream waits for the peer's stream limit; see on_peer_accepted().
  virtual void on_start_complete(std::uint64_t id, Status status, bool peer_accepted) noexcept;
  /// The peer's stream limit now admits the stream.
  virtual void on_peer_accepted() noexcept {}
  /// Returns how many bytes were taken, at most data.size. Fewer pauses the stream: nothing more is delivered until
  /// Stream::resume_receive(), then the untaken bytes come first, and flow control holds the peer back. Whatever QUIC
  /// has acknowledged to the peer is delivered, also when the peer closes the connection meanwhile: see
  /// ReceivedData::last.
  virtual std::uint64_t on_receive(const ReceivedData& data) noexcept = 0;
  /// The send with this token was copied or acknowledged (see Settings::send_buffering_enabled), or cancelled. Its
  /// memory is no longer used. Called exactly once for each send that returned SendOutcome::Queued.
  virtual void on_send_complete(std::uint64_t token, bool canceled) noexcept;
  /// The peer finished its direction and everything was taken. Follows on_receive() with fin.
  virtual void on_peer_send_shutdown() noexcept {}
  /// RESET_STREAM: the peer abandoned its direction; bytes not yet delivered are lost.
  virtual void on_peer_send_aborted(std::uint64_t code) noexcept;
  /// STOP_SENDING: the peer wants no more bytes.
  virtual void on_peer_receive_aborted(std::uint64_t code) noexcept;
  /// Our direction is over; `graceful` when the peer acknowledged the fin.
  virtual void on_send_shutdown_complete(bool graceful) noexcept;
  virtual void on_ideal_send_buffer(std::uint64_t bytes) noexcept;
  virtual void on_shutdown_complete(const StreamShutdown& shutdown) noexcept = 0;
};

}  // namespace msquic_py::quic
