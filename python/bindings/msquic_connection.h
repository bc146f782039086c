#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "msquic_connection_mailbox.h"
#include "msquic_handler_slot.h"
#include "msquic_stream.h"
#include "quic/connection.h"

namespace msquic_py::python {

/// (IP address, port), or None for an unknown one.
nanobind::object address_tuple(const quic::Address& address);

class ConfigurationObject;

/// The Python class Connection. All members need the GIL or, where there is none, the object locked.
///
/// It holds its Registration and those of its streams that are started and not over. When the last Python reference
/// goes, the connection is shut down with code 0.
class ConnectionObject {
 public:
  /// The code with which a connection is closed when one of its handlers raised.
  static constexpr std::uint64_t kHandlerErrorCode = 1;
  /// The token of datagrams whose states go to the connection's handler; larger ones have a handler of their own.
  static constexpr std::uint64_t kAnyDatagram = 1;

  /// A client's.
  explicit ConnectionObject(nanobind::object registration);
  /// Accepted by a listener, with this configuration.
  ConnectionObject(nanobind::object registration, nanobind::object configuration,
                   std::shared_ptr<ConnectionMailbox> mailbox, quic::Connection connection);
  ConnectionObject(const ConnectionObject&) = delete;
  ConnectionObject& operator=(const ConnectionObject&) = delete;
  ~ConnectionObject();

  void start(nanobind::handle configuration, nanobind::handle server_name, nanobind::handle port,
             nanobind::handle address, nanobind::handle local_address);
  void set_configuration(nanobind::handle configuration);
  void shutdown(unsigned flags, std::uint64_t code, const std::string& reason);
  nanobind::object open_stream(nanobind::handle self, unsigned flags);
  /// `on_state`: a callable for the states of this datagram alone, or None.
  void send_datagram(nanobind::handle data, unsigned flags, nanobind::handle on_state);
  void send_resumption_ticket(unsigned flags, nanobind::handle data);
  void set_resumption_ticket(nanobind::handle ticket);
  /// Shuts down with code 0 and gives the connection up; only on_shutdown_complete follows.
  void close() noexcept;
  void set_handler(ConnectionEvent which, nanobind::handle handler);

  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  [[nodiscard]] bool is_over() const noexcept { return mailbox_->is_over(); }
  [[nodiscard]] bool is_server() const noexcept { return server_; }
  [[nodiscard]] quic::Connection& connection() noexcept { return connection_; }
  [[nodiscard]] const std::shared_ptr<ConnectionMailbox>& mailbox() const noexcept { return mailbox_; }
  [[nodiscard]] const nanobind::object& registration() const noexcept { return registration_; }
  [[nodiscard]] quic::Address local_address() const { return connection_ ? connection_.local_address() : last_.local; }
  [[nodiscard]] quic::Address remote_address() const {
    return connection_ ? connection_.remote_address() : last_.remote;
  }
  [[nodiscard]] std::string server_name() const { return connection_ ? connection_.server_name() : last_.server_name; }
  [[nodiscard]] std::string negotiated_alpn() const { return connection_ ? connection_.negotiated_alpn() : last_.alpn; }
  [[nodiscard]] std::optional<quic::HandshakeInfo> handshake() const {
    return connection_ ? connection_.handshake() : last_.handshake;
  }
  [[nodiscard]] std::optional<bool> early_data_accepted() const {
    return connection_ ? connection_.early_data_accepted() : last_.early_data_accepted;
  }
  [[nodiscard]] base::ByteVector original_destination_cid() const {
    return connection_ ? connection_.original_destination_cid() : last_.original_destination_cid;
  }
  [[nodiscard]] std::vector<base::ByteVector> peer_chain() const {
    return connection_ ? connection_.peer_certificate_chain() : last_.chain;
  }
  [[nodiscard]] quic::DatagramBacklog datagram_backlog() const {
    return connection_ ? connection_.datagram_backlog() : last_.datagrams;
  }
  [[nodiscard]] quic::CloseReason close_reason() const;
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const HandlerSlot& handler(ConnectionEvent which) const noexcept { return handlers_[which]; }
  /// Calls the handler of one datagram. False when it raised.
  bool deliver_datagram_state(ObjectLock& lock, std::uint64_t token, quic::DatagramSendState state);
  /// A handler raised.
  void fail() noexcept;
  /// The on_resumed handler returned False: nothing of the session is delivered.
  void refuse_session() noexcept;
  /// The Configuration whose verifier is asked about the peer's certificate; may be null.
  [[nodiscard]] nanobind::handle verifying() const noexcept { return server_ ? configuration_ : verifying_; }
  /// The connection is over and its handlers know.
  void finish() noexcept;
  /// Keeps a stream's Python object until release_stream().
  void hold_stream(StreamObject& stream);
  void release_stream(StreamObject& stream) noexcept;
  /// A new reference to the DatagramSendState, or null with a Python error set.
  static PyObject* datagram_send_state(quic::DatagramSendState state);

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  /// What can still be asked when the handle is gone.
  struct Last {
    quic::Address local;
    quic::Address remote;
    std::string server_name;
    std::string alpn;
    std::optional<quic::HandshakeInfo> handshake;
    base::ByteVector original_destination_cid;
    quic::CloseReason reason;
    std::vector<base::ByteVector> chain;
    std::optional<bool> early_data_accepted;
    quic::DatagramBacklog datagrams;
  };
  void give_up_handle() noexcept;

  nanobind::object registration_;
  nanobind::object configuration_;  // of the listener; for set_configuration()
  nanobind::object verifying_;      // a client's configuration with a verifier
  std::shared_ptr<ConnectionMailbox> mailbox_;
  quic::Connection connection_;
  Last last_;
  std::array<HandlerSlot, kConnectionEventCount> handlers_;
  std::unordered_map<const StreamMailbox*, nanobind::object> streams_;
  std::unordered_map<std::uint64_t, nanobind::object> datagram_handlers_;  // by token
  std::uint64_t last_datagram_ = kAnyDatagram;
  const bool server_;
  bool started_ = false;
  bool closed_ = false;
};

}  // namespace msquic_py::python
