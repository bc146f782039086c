#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "quic/connection.h"
#include "quic/connection_handler.h"
#include "transport/connection.h"
#include "transport/connection_handler.h"

namespace msquic_py::quic {

/// What a QUIC connection tells beyond what every carrier does. Called as ConnectionHandler is.
class CarrierWatch {
 public:
  CarrierWatch() = default;
  CarrierWatch(const CarrierWatch&) = delete;
  CarrierWatch& operator=(const CarrierWatch&) = delete;
  virtual ~CarrierWatch() = default;

  /// After transport::ConnectionHandler::on_connected().
  virtual void on_connected() noexcept {}
  virtual CertificateDecision on_peer_certificate(const PeerCertificate& certificate) noexcept;
  virtual void on_resumption_ticket(base::Bytes /*ticket*/) noexcept {}
};

/// Turns the events of a QUIC connection into those of a carrier: the handler to open or accept a connection with that
/// is to be a CarriedConnection.
class CarrierEvents final : public ConnectionHandler {
 public:
  /// `handler` must not be null; `watch` may be.
  explicit CarrierEvents(std::shared_ptr<transport::ConnectionHandler> handler,
                         std::shared_ptr<CarrierWatch> watch = nullptr);
  ~CarrierEvents() override;

  void on_connected(bool resumed, std::string_view alpn) noexcept override;
  void on_shutdown_complete(const CloseReason& reason) noexcept override;
  std::shared_ptr<StreamHandler> on_peer_stream(Stream stream, bool early_data) noexcept override;
  void on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept override;
  void on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept override;
  void on_datagram_received(base::Bytes datagram, bool early_data) noexcept override;
  void on_datagram_send_state(std::uint64_t token, DatagramSendState state) noexcept override;
  [[nodiscard]] bool wants_network_statistics() const noexcept override;
  void on_network_statistics(const NetworkStatistics& statistics) noexcept override;
  CertificateDecision on_peer_certificate(const PeerCertificate& certificate) noexcept override;
  void on_resumption_ticket(base::Bytes ticket) noexcept override;

 private:
  friend class CarriedConnection;
  const std::shared_ptr<transport::ConnectionHandler> handler_;
  const std::shared_ptr<CarrierWatch> watch_;
  /// Outlives this: the connection's handle reads it after the end.
  const std::shared_ptr<CloseReason> end_ = std::make_shared<CloseReason>();
  std::size_t datagram_size_ = 0;
  bool connected_ = false;
  std::uint16_t streams_before_ = 0;  ///< bidirectional ones, of which was told before the connection was connected
};

/// A QUIC connection as a carrier.
class CarriedConnection final : public transport::Connection {
 public:
  /// `connection` was opened or accepted with `events`.
  CarriedConnection(quic::Connection connection, const CarrierEvents& events);

  [[nodiscard]] bool is_server() const noexcept override;
  transport::Result<transport::StreamHandle> open_stream(transport::Direction direction,
                                                         transport::StreamKey key) noexcept override;
  transport::Result<void> send_datagram(std::span<const base::SharedBytes> slices,
                                        std::uint64_t token) noexcept override;
  [[nodiscard]] std::size_t max_datagram_size() const noexcept override;
  [[nodiscard]] std::size_t longest_reason() const noexcept override { return quic::Connection::kLongestReason; }
  void close(std::uint64_t code, std::string_view reason) noexcept override;

  [[nodiscard]] const quic::Connection& under() const noexcept { return connection_; }
  /// All that QUIC knows of the end. After transport::ConnectionHandler::on_closed().
  [[nodiscard]] const CloseReason& end() const noexcept { return *end_; }
  /// The QUIC connection that `connection` is; null when it is another carrier's.
  static const CarriedConnection* of(const transport::Connection& connection) noexcept;

 private:
  quic::Connection connection_;
  // MsQuic's events keep the handler alive; a handler that owns this handle would keep itself alive otherwise.
  std::weak_ptr<transport::ConnectionHandler> handler_;
  std::shared_ptr<const CloseReason> end_;
};

}  // namespace msquic_py::quic
