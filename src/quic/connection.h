#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "quic/address.h"
#include "quic/configuration.h"
#include "quic/connection_handler.h"
#include "quic/connection_statistics.h"
#include "quic/datagram_send_flags.h"
#include "quic/handshake_info.h"
#include "quic/reference.h"
#include "quic/registration.h"
#include "quic/status.h"
#include "quic/stream.h"

namespace msquic_py::quic {

/// Datagrams of a connection that were handed to send_datagram() and not sent yet.
struct DatagramBacklog {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  ///< their payload
  /// Since the beginning: dropped because newer ones needed the room, or because they were not to wait.
  std::uint64_t dropped = 0;
  /// False from when more than half of Settings::datagram_send_queue_bytes waits until at most a quarter of it does:
  /// ConnectionHandler::on_datagram_room() tells.
  bool has_room = true;
};

/// A QUIC connection. Copies share it, and all methods are thread-safe and never block unless they say so. When the
/// last copy goes, the connection is shut down with code 0 and closes by itself.
class Connection {
 public:
  /// An empty handle: every use fails with ClosedHandle.
  Connection() noexcept = default;
  /// A client connection; nothing happens before start(). `handler` must not be null.
  static Result<Connection> open(const Registration& registration, std::shared_ptr<ConnectionHandler> handler);

  /// Before start(): the local address to send from.
  Result<void> set_local_address(const Address& address) noexcept;
  /// Before start(): bytes from on_resumption_ticket(). start() fails with TicketMismatch when the ticket is from
  /// another server name, for another ALPN, or from other trust settings.
  Result<void> set_resumption_ticket(base::Bytes ticket);

  /// Connects to an IP literal or a host name, which is looked up on a thread of its own. `host` is also the name
  /// that the server's certificate must carry. Success means that on_connected() or on_shutdown_complete() follows;
  /// a connection can be started once. There is no overall deadline: MsQuic's handshake timer only measures silence.
  Result<void> start(const Configuration& configuration, const std::string& host, std::uint16_t port);
  /// The same with the address already known; `server_name` is for SNI and the certificate check.
  Result<void> start(const Configuration& configuration, const std::string& server_name, const Address& remote);
  /// Server, inside ListenerHandler::on_new_connection(): an alternative to returning the configuration.
  Result<void> set_configuration(const Configuration& configuration) noexcept;

  /// A stream that is not started yet; see Stream::start() and SendFlags::Start. `handler` must not be null.
  /// Fails with ConnectionClosing once a shutdown began.
  Result<Stream> open_stream(StreamDirection direction, std::shared_ptr<StreamHandler> handler,
                             bool allow_zero_rtt = false);

  /// The longest reason phrase that MsQuic sends, in bytes.
  static constexpr std::size_t kLongestReason = 511;
  /// Closes with the application's `code` (at most 2^62 - 1) and a reason phrase (up to kLongestReason, or to a NUL),
  /// which the peer gets together with the code, but not before the handshake is complete (RFC 9000 section 10.2.3).
  Result<void> shutdown(std::uint64_t code, std::string_view reason = {}) noexcept;
  /// Ends the connection without waiting for the peer. MsQuic before 2.5.6 may still tell it (as code 0).
  Result<void> shutdown_silently() noexcept;

  /// Sends one unreliable datagram (RFC 9221), or lets it wait when the path or the peer takes no more now: at most
  /// Settings::datagram_send_queue_bytes wait, and beyond that the oldest are dropped (Canceled), those without
  /// Priority first. With a token other than 0, on_datagram_send_state() reports what becomes of it; that one is lost
  /// only when something that was sent later is acknowledged, Settings::keep_alive_interval_ms sees to it.
  /// DatagramTooLarge and DatagramUnavailable name the two usual failures.
  Result<void> send_datagram(std::span<const base::SharedBytes> buffers, std::uint64_t token = 0,
                             DatagramSendFlags flags = DatagramSendFlags::None) noexcept;
  [[nodiscard]] DatagramBacklog datagram_backlog() const noexcept;
  /// The largest datagram that can be sent now; 0 when none can. A server's first value is what fits in any case; the
  /// exact one follows with the path's MTU.
  [[nodiscard]] std::uint16_t max_datagram_size() const noexcept;

  /// Server, after on_connected(): gives the client a ticket with at most 1000 bytes of `application_data`. After a
  /// `last` one every further call fails with InvalidState.
  Result<void> send_resumption_ticket(base::Bytes application_data = {}, bool last = false) noexcept;

  /// After CertificateDecision::Pending: lets the handshake go on, or refuses the certificate with `reason` as the
  /// message of the close reason. False when there was nothing to decide (any more): it was decided before, took too
  /// long, or the connection is being shut down. Any thread.
  bool complete_certificate(bool accept, std::string_view reason = {}) noexcept;
  /// The certificate that the peer showed, in DER; empty before it came, when none came, and in a resumed session.
  [[nodiscard]] base::ByteVector peer_certificate() const;
  /// All that the peer sent, the leaf first.
  [[nodiscard]] std::vector<base::ByteVector> peer_certificate_chain() const;

  /// Blocks until the connection's worker is free, unless inside one of its own handlers. WouldDeadlock inside a
  /// handler of another connection.
  Result<ConnectionStatistics> statistics() const;
  /// Changes settings of the live connection; those marked [live] in Settings. Takes effect soon.
  Result<void> update_settings(const Settings& settings);
  /// Raises the peer's stream limits of a live connection. Takes effect soon.
  Result<void> set_peer_stream_counts(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept;

  /// Unspecified until known: at on_connected() for a client, from the beginning for a server.
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] Address remote_address() const;
  /// Server: the name the client asked for (SNI); client: the name it dialled.
  [[nodiscard]] std::string server_name() const;
  /// Empty before the handshake decided it; a server knows it from the beginning.
  [[nodiscard]] std::string negotiated_alpn() const;
  /// Client: whether the server took the early data; nothing before that is known (ConnectionHandler::on_early_data()),
  /// and when none was sent.
  [[nodiscard]] std::optional<bool> early_data_accepted() const noexcept;
  [[nodiscard]] std::optional<HandshakeInfo> handshake() const;  ///< at on_connected() and later
  /// The connection ID that the client chose for the server at first: the same on both sides, for correlating logs
  /// (RFC 9000 section 7.2). Known at on_connected(), or when the handshake failed; empty before.
  [[nodiscard]] base::ByteVector original_destination_cid() const;
  [[nodiscard]] bool is_server() const noexcept;
  [[nodiscard]] bool is_closing() const noexcept;  ///< a shutdown began, whoever began it
  /// The first cause, as far as known.
  [[nodiscard]] CloseReason close_reason() const;

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] ConnectionState* state() const noexcept { return state_.get(); }
  explicit Connection(UserReference<ConnectionState> state) noexcept : state_(std::move(state)) {}

 private:
  UserReference<ConnectionState> state_;
};

}  // namespace msquic_py::quic
