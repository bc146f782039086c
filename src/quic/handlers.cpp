// What a handler does with events it does not care about: nothing.
#include "quic/connection_handler.h"
#include "quic/stream_handler.h"

namespace msquic_py::quic {

void StreamHandler::on_start_complete(std::uint64_t, Status, bool) noexcept {}
void StreamHandler::on_send_complete(std::uint64_t, bool) noexcept {}
void StreamHandler::on_peer_send_aborted(std::uint64_t) noexcept {}
void StreamHandler::on_peer_receive_aborted(std::uint64_t) noexcept {}
void StreamHandler::on_send_shutdown_complete(bool) noexcept {}
void StreamHandler::on_ideal_send_buffer(std::uint64_t) noexcept {}

void ConnectionHandler::on_shutdown_initiated(const CloseReason&) noexcept {}
void ConnectionHandler::on_early_data(bool) noexcept {}
void ConnectionHandler::on_streams_available(std::uint16_t, std::uint16_t) noexcept {}
void ConnectionHandler::on_peer_needs_streams(StreamDirection) noexcept {}
void ConnectionHandler::on_datagram_state(bool, std::uint16_t) noexcept {}
void ConnectionHandler::on_datagram_received(base::Bytes, bool) noexcept {}
void ConnectionHandler::on_datagram_room() noexcept {}
void ConnectionHandler::on_datagram_send_state(std::uint64_t, DatagramSendState) noexcept {}
void ConnectionHandler::on_network_statistics(const NetworkStatistics&) noexcept {}
CertificateDecision ConnectionHandler::on_peer_certificate(const PeerCertificate& certificate) noexcept {
  return certificate.verdict.good() ? CertificateDecision::Accept : CertificateDecision::Reject;
}
bool ConnectionHandler::on_resumed(base::Bytes) noexcept { return true; }
void ConnectionHandler::on_resumption_ticket(base::Bytes) noexcept {}
void ConnectionHandler::on_local_address_changed(const Address&) noexcept {}
void ConnectionHandler::on_peer_address_changed(const Address&) noexcept {}

}  // namespace msquic_py::quic
