#include "runtime/quic_watch.h"

#include <utility>

#include "base/shared_bytes.h"
#include "runtime/session_driver.h"

namespace msquic_py::runtime {

const quic::Connection* find_quic_connection(const SessionDriver& driver) noexcept {
  const auto* const carried = quic::CarriedConnection::of(driver.connection());
  return carried == nullptr ? nullptr : &carried->under();
}

const quic::Connection& quic_connection(const SessionDriver& driver) noexcept { return *find_quic_connection(driver); }

const quic::CloseReason& quic_end(const SessionDriver& driver) noexcept {
  return quic::CarriedConnection::of(driver.connection())->end();
}

void QuicWatch::on_connected() noexcept {
  if (!gives_tickets_) return;
  inbox_->push_aside([](SessionDriver& driver) {
    quic::Connection connection = quic_connection(driver);
    (void)connection.send_resumption_ticket();
  });
}

quic::CertificateDecision QuicWatch::on_peer_certificate(const quic::PeerCertificate& certificate) noexcept {
  if (!judge_) return CarrierWatch::on_peer_certificate(certificate);
  // The closure is copied on its way, so the chain is not in it itself.
  auto shown = std::make_shared<ShownCertificate>(
      ShownCertificate{certificate.chain, certificate.server_name, certificate.verdict});
  inbox_->push_aside(
      [judge = judge_, shown](SessionDriver& driver) { judge(quic_connection(driver), std::move(*shown)); });
  return quic::CertificateDecision::Pending;
}

void QuicWatch::on_resumption_ticket(base::Bytes ticket) noexcept {
  inbox_->push_aside(
      [bytes = base::SharedBytes::copy_of(ticket)](SessionDriver& driver) { driver.user().on_ticket(driver, bytes); });
}

}  // namespace msquic_py::runtime
