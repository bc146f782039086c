#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quic/api.h"
#include "quic/connection.h"
#include "quic/datagram_queue.h"
#include "quic/gate.h"
#include "quic/handshake_deadlines.h"
#include "quic/intrusive_list.h"
#include "quic/key_log.h"
#include "quic/listener_run.h"
#include "quic/registration_state.h"
#include "quic/send_record.h"
#include "quic/stream_state.h"

namespace msquic_py::quic {

/// Control block of a connection. References: one for all handle objects together, one for MsQuic until the handle is
/// closed, one per stream and per background job. Every open stream handle is inside the gate, so that the connection
/// handle closes after those of its streams.
class ConnectionState {
 public:
  static Result<ConnectionState*> open(RegistrationState& registration, std::shared_ptr<ConnectionHandler> handler);
  /// A connection that a listener offers. Nothing of it is MsQuic's before take_over().
  static ConnectionState* offered(RegistrationState& registration, HQUIC handle, const QUIC_NEW_CONNECTION_INFO& info,
                                  std::shared_ptr<ListenerRun> run);
  /// The listener's handler accepted; from here the events come to `handler`. Without `deadlines` the handshake has
  /// none.
  void take_over(std::shared_ptr<ConnectionHandler> handler, HandshakeDeadlines* deadlines) noexcept;
  /// The listener's handler refused: MsQuic frees the handle itself.
  void disown() noexcept;

  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;
  void retain_user() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void release_user() noexcept;
  Gate& gate() const noexcept { return gate_; }
  void close_handle() const noexcept;

  Result<void> start(const Configuration& configuration, const std::string& host, std::optional<Address> remote,
                     std::uint16_t port);
  Result<void> set_configuration(const Configuration& configuration) noexcept;
  [[nodiscard]] bool configured() const noexcept { return configured_.load(std::memory_order_acquire); }
  Result<void> shutdown(std::uint64_t code, std::string_view reason, bool silent) noexcept;
  /// The handshake took longer than `allowed`.
  void end_handshake(std::chrono::milliseconds allowed) noexcept;
  /// Takes over `record`, with its flags, whatever the outcome.
  Result<void> send_datagram(SendRecord* record) noexcept;
  [[nodiscard]] DatagramBacklog datagram_backlog() const noexcept { return datagrams_.backlog(); }
  [[nodiscard]] std::uint16_t max_datagram_size() const noexcept {
    return max_datagram_.load(std::memory_order_acquire);
  }
  /// See Connection::complete_certificate().
  bool complete_certificate(bool accept, std::string_view reason) noexcept;
  [[nodiscard]] std::vector<base::ByteVector> peer_chain() const;
  Result<void> send_resumption_ticket(base::Bytes data, bool last) noexcept;
  Result<void> set_resumption_ticket(base::Bytes ticket);
  Result<void> set_local_address(const Address& address) noexcept;
  Result<ConnectionStatistics> statistics() const;
  Result<void> update_settings(const Settings& settings);

  /// False when the connection is over: the stream must be retired.
  bool add(StreamState& stream) noexcept;
  void remove(StreamState& stream) noexcept;
  void stream_opened() noexcept { registration_.child_opened(ObjectKind::Stream); }
  void stream_closed() noexcept { registration_.child_closed(ObjectKind::Stream); }

  /// In callbacks: the handler hears of what the peer's close was about, if that is still to be told.
  void announce_close() noexcept;

  [[nodiscard]] HQUIC handle() const noexcept { return handle_; }
  /// A client that resumes a session, before it knows whether the server takes part: MsQuic may send early data.
  [[nodiscard]] bool may_send_early() const noexcept {
    return has_ticket_.load(std::memory_order_acquire) && !connected_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool is_connected() const noexcept { return connected_.load(std::memory_order_acquire); }
  /// One of its streams has data that may go early.
  void note_early_data() noexcept { early_data_sent_.store(true, std::memory_order_release); }
  /// Whether the server took it. In a callback of the connection.
  void settle_early_data(bool accepted) noexcept;
  /// Nothing before that is known, and for who sent none.
  [[nodiscard]] std::optional<bool> early_data_accepted() const noexcept;
  /// A server whose configuration asks for 0-RTT data.
  [[nodiscard]] bool takes_early_data() const noexcept { return takes_early_data_.load(std::memory_order_acquire); }
  SendRecordPool& send_records() noexcept { return send_records_; }
  [[nodiscard]] bool is_server() const noexcept { return server_; }
  [[nodiscard]] bool is_closing() const noexcept { return closing_.load(std::memory_order_acquire) || gate_.is_shut(); }
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] Address remote_address() const;
  [[nodiscard]] std::string server_name() const;
  [[nodiscard]] std::string negotiated_alpn() const;
  [[nodiscard]] std::optional<HandshakeInfo> handshake() const;
  [[nodiscard]] base::ByteVector original_destination_cid() const;
  [[nodiscard]] CloseReason close_reason() const;
  ListLinks<ConnectionState>& links() noexcept { return links_; }

 private:
  ConnectionState(RegistrationState& registration, bool server);
  ~ConnectionState();

  // Starting, on a thread that may block.
  void finish_start(const Address& remote) noexcept;
  void fail_start(Error error) noexcept;

  static QUIC_STATUS QUIC_API callback(HQUIC handle, void* context, QUIC_CONNECTION_EVENT* event) noexcept;
  QUIC_STATUS on_event(QUIC_CONNECTION_EVENT& event) noexcept;
  void report_what_came_before() noexcept;
  void on_connected(const QUIC_CONNECTION_EVENT& event) noexcept;
  void on_shutdown_by_transport(const QUIC_CONNECTION_EVENT& event) noexcept;
  void on_shutdown_by_peer(const QUIC_CONNECTION_EVENT& event) noexcept;
  void on_shutdown_complete(const QUIC_CONNECTION_EVENT& event) noexcept;
  void await_reason_phrase(CloseReason cause) noexcept;
  void on_peer_stream(const QUIC_CONNECTION_EVENT& event) noexcept;
  /// Calls the handler about a stream of the peer. Null when there is none or it refuses; then the stream is aborted.
  std::shared_ptr<StreamHandler> offer(Stream& stream, bool early_data) noexcept;
  /// What comes now is 0-RTT data that this server did not ask for.
  [[nodiscard]] bool holds_early_data() const noexcept {
    return server_ && !takes_early_data() && !connected_.load(std::memory_order_acquire);
  }
  void hand_out_held_streams() noexcept;
  void on_datagram_send_state(QUIC_CONNECTION_EVENT& event) noexcept;
  // Datagrams, in connection_datagrams.cpp.
  /// Hands `record` to MsQuic. Takes it over only when that succeeded.
  QUIC_STATUS hand_over(SendRecord& record) noexcept;
  void hand_over_more(SendRecord* record) noexcept;
  void tell_datagram_room() noexcept;
  /// Tells what became of them and takes them back; linked by SendRecord::next.
  void give_up_datagrams(SendRecord* records) noexcept;
  void on_ticket(const QUIC_CONNECTION_EVENT& event) noexcept;
  QUIC_STATUS on_resumed(base::Bytes application_data) noexcept;
  void answer_what_is_not_asked() noexcept;
  QUIC_STATUS on_certificate(const QUIC_CONNECTION_EVENT& event) noexcept;
  QUIC_STATUS refuse_certificate(const CertificateVerdict& verdict) noexcept;
  void set_certificate_cause(const CertificateVerdict& verdict) noexcept;
  QUIC_STATUS begin_key_log(const ConfigurationState& configuration) noexcept;
  void write_key_log() noexcept;
  [[nodiscard]] ConnectionHandler* listener() const noexcept;
  void deliver_shutdown(const CloseReason& reason) noexcept;
  void close_now() noexcept;
  void drop_configuration() noexcept;
  /// Keeps the first cause only.
  void set_cause(CloseReason reason) noexcept;
  [[nodiscard]] std::string read_reason_phrase() const;
  [[nodiscard]] std::string where() const;
  [[nodiscard]] bool closed_by_peer() const noexcept;
  void refresh_addresses() noexcept;
  // Where MsQuic answers at once or the thread may wait.
  void apply_settings(const Settings& settings) noexcept;
  void apply_own_settings(const Settings& settings) noexcept;
  void read_handshake() noexcept;
  void read_original_destination_cid() noexcept;

  RegistrationState& registration_;  // alive while a handle of this connection is open
  HQUIC handle_ = nullptr;           // set before the block is shared
  mutable Gate gate_;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> users_{1};
  std::shared_ptr<ConnectionHandler> handler_;  // only touched in callbacks, or when there are none (any more)
  std::atomic<bool> closing_{false};
  std::atomic<bool> start_requested_{false};
  std::atomic<bool> configured_{false};
  std::atomic<bool> has_ticket_{false};
  std::atomic<bool> connected_{false};
  std::atomic<bool> takes_early_data_{false};
  std::atomic<bool> last_ticket_sent_{false};
  std::atomic<bool> early_data_sent_{false};
  enum class EarlyData : std::uint8_t { Unknown, Accepted, Rejected };
  std::atomic<EarlyData> early_data_{EarlyData::Unknown};
  std::atomic<std::uint16_t> max_datagram_{0};
  enum class Verification : std::uint8_t { None, Pending, Done };
  std::atomic<Verification> verification_{Verification::None};
  const bool server_;
  bool certificate_checked_ = false;             // only touched in callbacks
  std::optional<CloseReason> peer_close_;        // only touched in callbacks; see await_reason_phrase()
  std::vector<Stream> held_streams_;             // only touched in callbacks; see hand_out_held_streams()
  std::unique_ptr<HandshakeDeadline> deadline_;  // only touched in callbacks
  // MsQuic keeps a pointer to the secrets until the handle is closed; written before and read after the handshake.
  std::unique_ptr<QUIC_TLS_SECRETS> secrets_;
  std::shared_ptr<KeyLog> key_log_;
  std::shared_ptr<ListenerRun> run_;  // of the listener that accepted this, until the handle is closed
  SendRecordPool send_records_;
  DatagramQueue datagrams_;

  mutable std::mutex mutex_;  // guards what follows; never held across a MsQuic or handler call
  ConfigurationState* configuration_ = nullptr;
  IntrusiveList<StreamState> streams_;
  bool streams_over_ = false;
  CloseReason reason_;
  Address local_;
  Address remote_;
  Address bind_;
  std::string server_name_;
  std::string alpn_;
  std::vector<base::ByteVector> peer_chain_;
  std::optional<HandshakeInfo> handshake_;
  base::ByteVector original_destination_cid_;
  base::ByteVector ticket_;
  // Who hears of datagrams that were dropped outside of a callback; handler_ is only touched in one.
  std::shared_ptr<ConnectionHandler> datagram_listener_;

  ListLinks<ConnectionState> links_;  // guarded by the registration
};

}  // namespace msquic_py::quic
