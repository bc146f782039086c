#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dispatch_queue.h"
#include "msquic_handler_slot.h"
#include "msquic_stream_mailbox.h"
#include "quic/connection_handler.h"

namespace msquic_py::python {

class ConnectionObject;
class ListenerMailbox;

/// What can happen to a connection; each has a handler.
enum ConnectionEvent : std::uint32_t {
  kConnected,
  kPeerStreamStarted,
  kDatagramStateChanged,
  kDatagramReceived,
  kDatagramSendStateChanged,
  kResumptionTicketReceived,
  kResumed,
  kEarlyData,
  // What follows is only told to who asked for it before.
  kStreamsAvailable,
  kPeerNeedsStreams,
  kLocalAddressChanged,
  kPeerAddressChanged,
  kDatagramRoom,
  kShutdownInitiated,
  kShutdownComplete,
  kConnectionEventCount,
  /// For the verifier of the configuration.
  kPeerCertificate = kConnectionEventCount
};

/// Collects a connection's events on MsQuic's threads and hands them to the ConnectionObject's handlers on the
/// dispatcher's. What no handler wants yet is kept, within limits.
class ConnectionMailbox final : public quic::ConnectionHandler, public EventTarget {
 public:
  explicit ConnectionMailbox(EventQueue& queue) : queue_(queue) {}
  /// For a connection that a listener accepted, which holds its Python object until it is over.
  ConnectionMailbox(EventQueue& queue, std::weak_ptr<ListenerMailbox> listener)
      : queue_(queue), listener_(std::move(listener)) {}

  void on_connected(bool resumed, std::string_view alpn) noexcept override;
  void on_shutdown_complete(const quic::CloseReason& reason) noexcept override;
  std::shared_ptr<quic::StreamHandler> on_peer_stream(quic::Stream stream, bool early_data) noexcept override;
  void on_shutdown_initiated(const quic::CloseReason& reason) noexcept override;
  void on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept override;
  void on_peer_needs_streams(quic::StreamDirection direction) noexcept override;
  void on_local_address_changed(const quic::Address& address) noexcept override;
  void on_peer_address_changed(const quic::Address& address) noexcept override;
  void on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept override;
  void on_datagram_received(base::Bytes datagram, bool early_data) noexcept override;
  void on_datagram_room() noexcept override;
  void on_datagram_send_state(std::uint64_t token, quic::DatagramSendState state) noexcept override;
  quic::CertificateDecision on_peer_certificate(const quic::PeerCertificate& certificate) noexcept override;
  bool on_resumed(base::Bytes application_data) noexcept override;
  void on_early_data(bool accepted) noexcept override { push(kEarlyData, accepted ? 1 : 0); }
  void on_resumption_ticket(base::Bytes ticket) noexcept override;

  void dispatch(const Event& event) override;
  void push(ConnectionEvent kind, std::uint64_t first = 0, std::uint64_t second = 0) noexcept;

  /// For a stream that is opened here.
  std::shared_ptr<StreamMailbox> new_stream() { return std::make_shared<StreamMailbox>(queue_, early_); }
  /// Nobody will ask for what is kept, nor for what comes.
  void close() noexcept;
  [[nodiscard]] std::uint64_t datagrams_dropped() const noexcept;
  /// After the connection is over.
  [[nodiscard]] std::optional<quic::CloseReason> close_reason() const;

  // The rest needs the GIL or, where there is none, the owner locked.
  OwnerReference& owner() noexcept { return owner_; }
  /// A handler for `kind` was set: it gets what came before it and no handler has had.
  void replay(ConnectionEvent kind) noexcept;
  [[nodiscard]] bool is_over() const noexcept { return over_; }

 private:
  struct PeerStream {
    std::shared_ptr<StreamMailbox> mailbox;
    quic::Stream stream;
  };

  void push_if_wanted(ConnectionEvent kind, std::uint64_t first = 0) noexcept;
  /// What an event says about the connection from now on.
  void note(const Event& event) noexcept;
  void deliver(const Event& event, PyObject* owner);
  bool deliver(ConnectionObject& connection, ObjectLock& lock, const Event& event);
  bool deliver_streams(ConnectionObject& connection, ObjectLock& lock, PyObject* owner);
  /// The peer's certificate goes to the verifier.
  void deliver_certificate(ConnectionObject& connection, ObjectLock& lock, PyObject* owner);
  bool deliver_bytes(ConnectionObject& connection, ObjectLock& lock, ConnectionEvent kind,
                     std::deque<base::ByteVector>& kept);
  void deliver_end(ConnectionObject& connection, ObjectLock& lock);

  EventQueue& queue_;
  const std::weak_ptr<ListenerMailbox> listener_;
  const std::shared_ptr<EarlyBudget> early_ = std::make_shared<EarlyBudget>();

  std::atomic<std::uint32_t> wanted_{0};             // a bit for each event that somebody asked for
  std::atomic<std::uint32_t> streams_available_{0};  // bidirectional in the upper half

  mutable std::mutex mutex_;
  std::deque<PeerStream> peer_streams_;
  std::deque<base::ByteVector> datagrams_;
  std::deque<base::ByteVector> tickets_;
  std::deque<base::ByteVector> resumed_;
  struct Shown {
    std::vector<base::ByteVector> chain;
    std::string server_name;
    quic::CertificateVerdict verdict;
    std::chrono::steady_clock::time_point when;
  };
  std::optional<Shown> certificate_;
  std::size_t datagram_bytes_ = 0;
  std::uint64_t datagrams_dropped_ = 0;
  bool datagrams_queued_ = false;
  bool closed_ = false;
  std::optional<quic::CloseReason> reason_;

  // With the GIL or, where there is none, the owner locked.
  OwnerReference owner_;
  bool resumed_session_ = false;
  bool early_data_accepted_ = false;
  std::uint64_t datagram_send_enabled_ = 0;
  std::uint64_t datagram_max_size_ = 0;
  std::uint32_t pending_ = 0;  // events that came and that no handler has had, a bit each
  bool over_ = false;
  bool open_logged_ = false;
  bool end_logged_ = false;
};

}  // namespace msquic_py::python
