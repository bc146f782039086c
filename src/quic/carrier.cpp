#include "quic/carrier.h"

#include <chrono>
#include <string>
#include <utility>

#include "quic/carrier_stream.h"

namespace msquic_py::quic {

namespace {

transport::CloseReason told(const CloseReason& reason) {
  using Cause = transport::CloseReason::Cause;
  transport::CloseReason result;
  switch (reason.cause) {
    case CloseReason::Cause::None: result.cause = Cause::None; break;
    case CloseReason::Cause::LocalApplication: result.cause = Cause::LocalApplication; break;
    case CloseReason::Cause::PeerApplication: result.cause = Cause::PeerApplication; break;
    case CloseReason::Cause::Transport: result.cause = Cause::Transport; break;
  }
  result.remote = reason.remote;
  result.code = reason.code;
  result.reason = reason.reason;
  result.message = reason.message;
  result.handshake_completed = reason.handshake_completed;
  result.carrier_status = static_cast<std::uint32_t>(reason.status);
  return result;
}

}  // namespace

CertificateDecision CarrierWatch::on_peer_certificate(const PeerCertificate& certificate) noexcept {
  return certificate.verdict.good() ? CertificateDecision::Accept : CertificateDecision::Reject;
}

// ---- events ----

CarrierEvents::CarrierEvents(std::shared_ptr<transport::ConnectionHandler> handler, std::shared_ptr<CarrierWatch> watch)
    : handler_(std::move(handler)), watch_(std::move(watch)) {}
CarrierEvents::~CarrierEvents() = default;

void CarrierEvents::on_connected(bool resumed, std::string_view alpn) noexcept {
  transport::Capabilities capabilities;
  capabilities.protocol = std::string(alpn);
  capabilities.resumed = resumed;
  capabilities.priorities = true;
  capabilities.datagrams = datagram_size_ > 0;
  capabilities.reports = true;
  connected_ = true;
  handler_->on_connected(capabilities);
  handler_->on_streams_admitted(streams_before_);
  if (watch_) watch_->on_connected();
}

void CarrierEvents::on_shutdown_complete(const CloseReason& reason) noexcept {
  *end_ = reason;
  handler_->on_closed(told(reason));
}

std::shared_ptr<StreamHandler> CarrierEvents::on_peer_stream(Stream stream, bool) noexcept {
  const std::uint64_t id = stream.id().value_or(0);
  const auto direction = stream.direction() == StreamDirection::Bidirectional ? transport::Direction::Bidirectional
                                                                              : transport::Direction::Unidirectional;
  const auto key =
      handler_->on_peer_stream({std::make_unique<CarriedStream>(std::move(stream), /*started=*/true), id, direction});
  return key ? std::make_shared<CarrierStreamEvents>(handler_, *key) : nullptr;
}

void CarrierEvents::on_streams_available(std::uint16_t bidirectional, std::uint16_t) noexcept {
  if (connected_) return handler_->on_streams_admitted(bidirectional);
  streams_before_ = bidirectional;
}

void CarrierEvents::on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept {
  datagram_size_ = send_enabled ? max_size : std::size_t{0};
  handler_->on_datagram_size(datagram_size_);
}

void CarrierEvents::on_datagram_received(base::Bytes datagram, bool) noexcept { handler_->on_datagram(datagram); }

void CarrierEvents::on_datagram_send_state(std::uint64_t token, DatagramSendState state) noexcept {
  // What is canceled has not been sent, so this comes once for each.
  if (state == DatagramSendState::Sent || state == DatagramSendState::Canceled) {
    handler_->on_datagram_sent(token, state == DatagramSendState::Canceled);
  }
}

bool CarrierEvents::wants_network_statistics() const noexcept { return handler_->wants_reports(); }

void CarrierEvents::on_network_statistics(const NetworkStatistics& statistics) noexcept {
  handler_->on_report({.posted_bytes = statistics.posted_bytes,
                       .bytes_in_flight = statistics.bytes_in_flight,
                       .congestion_window = statistics.congestion_window,
                       .round_trip = std::chrono::microseconds(statistics.smoothed_rtt_us)});
}

CertificateDecision CarrierEvents::on_peer_certificate(const PeerCertificate& certificate) noexcept {
  return watch_ ? watch_->on_peer_certificate(certificate) : ConnectionHandler::on_peer_certificate(certificate);
}

void CarrierEvents::on_resumption_ticket(base::Bytes ticket) noexcept {
  if (watch_) watch_->on_resumption_ticket(ticket);
}

// ---- the handle ----

CarriedConnection::CarriedConnection(quic::Connection connection, const CarrierEvents& events)
    : connection_(std::move(connection)), handler_(events.handler_), end_(events.end_) {}

bool CarriedConnection::is_server() const noexcept { return connection_.is_server(); }

transport::Result<transport::StreamHandle> CarriedConnection::open_stream(transport::Direction direction,
                                                                          transport::StreamKey key) noexcept {
  auto handler = handler_.lock();
  if (!handler) return base::Failure{transport::TransportError::ConnectionClosing};
  auto opened =
      connection_.open_stream(direction == transport::Direction::Bidirectional ? StreamDirection::Bidirectional
                                                                               : StreamDirection::Unidirectional,
                              std::make_shared<CarrierStreamEvents>(std::move(handler), key));
  if (!opened) return base::Failure{carrier_error(opened.error())};
  return transport::StreamHandle(std::make_unique<CarriedStream>(std::move(*opened), /*started=*/false));
}

transport::Result<void> CarriedConnection::send_datagram(std::span<const base::SharedBytes> slices,
                                                         std::uint64_t token) noexcept {
  if (auto sent = connection_.send_datagram(slices, token); !sent) return base::Failure{carrier_error(sent.error())};
  return {};
}

std::size_t CarriedConnection::max_datagram_size() const noexcept { return connection_.max_datagram_size(); }

void CarriedConnection::close(std::uint64_t code, std::string_view reason) noexcept {
  (void)connection_.shutdown(code, reason);
}

const CarriedConnection* CarriedConnection::of(const transport::Connection& connection) noexcept {
  return dynamic_cast<const CarriedConnection*>(&connection);
}

}  // namespace msquic_py::quic
