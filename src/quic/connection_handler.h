#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "quic/address.h"
#include "quic/peer_certificate.h"
#include "quic/status.h"
#include "quic/stream.h"
#include "quic/stream_handler.h"

namespace msquic_py::quic {

/// Why a connection ended. The first cause counts; what follows from it does not change it.
struct CloseReason {
  enum class Cause : std::uint8_t {
    None,              ///< still open, or closed before it was started
    LocalApplication,  ///< Connection::shutdown() or the last handle going away
    PeerApplication,   ///< the peer's application closed with `code`
    Transport,         ///< the transport, the TLS handshake or a timer; see `status`
  };
  Cause cause = Cause::None;
  bool remote = false;     ///< the peer began it
  std::uint64_t code = 0;  ///< the application's code, or the QUIC wire code for Transport (0x100 + alert for TLS)
  /// Transport: `code` went over the wire. Idle timeouts and the like end a connection without one.
  bool on_wire = false;
  Status status = Status::Success;
  std::int64_t raw_status = 0;
  std::string message;                      ///< for people
  std::string reason;                       ///< the peer's reason phrase
  bool handshake_completed = false;         ///< in on_shutdown_complete()
  bool peer_acknowledged_shutdown = false;  ///< in on_shutdown_complete()
};

/// What a connection can send at this moment.
struct NetworkStatistics {
  std::uint64_t posted_bytes = 0;  ///< given to streams and not acknowledged, in whole sends
  std::uint64_t smoothed_rtt_us = 0;
  std::uint32_t bytes_in_flight = 0;  ///< of packets that are neither acknowledged nor counted as lost
  std::uint32_t congestion_window = 0;
};

/// What became of a datagram, in the order in which it may happen.
enum class DatagramSendState : std::uint8_t {
  Sent,                  ///< its bytes are no longer used
  LostSuspect,           ///< may still be acknowledged
  LostDiscarded,         ///< final
  Acknowledged,          ///< final
  AcknowledgedSpurious,  ///< final; was suspected lost before
  Canceled,              ///< final; never sent: there was no room, or the connection ended
};
constexpr bool is_final(DatagramSendState state) noexcept { return state >= DatagramSendState::LostDiscarded; }

/// Receives the events of one connection, under the same rules as StreamHandler. on_streams_available() and
/// on_datagram_state() come before on_connected(), on a server while it takes the connection; there early streams may
/// come before it, too, if ServerResumption::ResumeAndZeroRtt is set. On any other server streams that came as 0-RTT
/// data follow right after on_connected() and do not count as early: a replay never gets there. Datagrams that came as
/// such are lost.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  virtual void on_connected(bool resumed, std::string_view alpn) noexcept = 0;
  /// The transport or the peer began to close the connection; on_shutdown_complete() follows.
  virtual void on_shutdown_initiated(const CloseReason& reason) noexcept;
  /// The connection is over. Called exactly once for a connection that was started or accepted; the handler is
  /// released after it.
  virtual void on_shutdown_complete(const CloseReason& reason) noexcept = 0;
  /// Client that sent early data: whether the server took it. What it did not take was sent again after the handshake.
  /// Called once, at on_connected() when the session was not resumed, else when the peer has acknowledged all of the
  /// first stream that began as early data: MsQuic does not tell before.
  virtual void on_early_data(bool accepted) noexcept;
  /// The peer opened `stream`; `early_data` when as 0-RTT. Returns who handles it; nothing refuses the stream.
  virtual std::shared_ptr<StreamHandler> on_peer_stream(Stream stream, bool early_data) noexcept = 0;
  /// How many more streams the peer admits now.
  virtual void on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept;
  /// The peer is blocked by our stream limit.
  virtual void on_peer_needs_streams(StreamDirection direction) noexcept;
  /// `max_size` changes with the path's MTU.
  virtual void on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept;
  /// Valid only during the call.
  virtual void on_datagram_received(base::Bytes datagram, bool early_data) noexcept;
  /// Datagrams may be sent again: of those that waited only few are left, see DatagramBacklog::has_room.
  virtual void on_datagram_room() noexcept;
  /// Called for datagrams sent with a token other than 0. For one that is dropped because a newer one needs the room it
  /// is called inside Connection::send_datagram(), at the same time as other calls.
  virtual void on_datagram_send_state(std::uint64_t token, DatagramSendState state) noexcept;
  /// Whether on_network_statistics() is to be called. Asked once, when the connection is connected.
  [[nodiscard]] virtual bool wants_network_statistics() const noexcept { return false; }
  /// For each packet that acknowledges some of ours. What was acknowledged has been reported by on_send_complete()
  /// before.
  virtual void on_network_statistics(const NetworkStatistics& statistics) noexcept;
  /// The peer showed its certificate and Credentials::custom_verification asks for this decision; not called when a
  /// session is resumed, nor on a server for a client without a certificate. Pending hands the decision to
  /// Connection::complete_certificate(), which may be called at once, on any thread.
  virtual CertificateDecision on_peer_certificate(const PeerCertificate& certificate) noexcept;
  /// Server: a client resumes a session that carried `application_data`. False: full handshake, early data is
  /// refused and sent again by the client.
  virtual bool on_resumed(base::Bytes application_data) noexcept;
  /// Client: for Connection::set_resumption_ticket() of a later connection to the same server name with the same
  /// trust settings. A secret.
  virtual void on_resumption_ticket(base::Bytes ticket) noexcept;
  virtual void on_local_address_changed(const Address& address) noexcept;
  virtual void on_peer_address_changed(const Address& address) noexcept;
};

}  // namespace msquic_py::quic
