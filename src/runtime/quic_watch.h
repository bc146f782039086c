#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "quic/carrier.h"
#include "runtime/transport_inbox.h"

namespace msquic_py::runtime {

/// A peer's certificate about which somebody else than this library decides.
struct ShownCertificate {
  std::vector<base::ByteVector> chain;  ///< in DER, the peer's own first
  std::string server_name;
  quic::CertificateVerdict verdict;  ///< this library's own
};

/// Decides about a certificate with Connection::complete_certificate(), at once or later. Loop thread.
using CertificateJudge = std::function<void(const quic::Connection&, ShownCertificate&&)>;

/// What an endpoint has to do with a QUIC connection beyond what the driver does with every carrier: certificates and
/// tickets. Everything is done on the loop, in the driver's turn.
class QuicWatch final : public quic::CarrierWatch {
 public:
  /// Without `judge` the library's own verdict decides.
  QuicWatch(std::shared_ptr<TransportInbox> inbox, CertificateJudge judge, bool gives_tickets)
      : inbox_(std::move(inbox)), judge_(std::move(judge)), gives_tickets_(gives_tickets) {}

  void on_connected() noexcept override;
  quic::CertificateDecision on_peer_certificate(const quic::PeerCertificate& certificate) noexcept override;
  void on_resumption_ticket(base::Bytes ticket) noexcept override;

 private:
  const std::shared_ptr<TransportInbox> inbox_;
  const CertificateJudge judge_;
  const bool gives_tickets_;
};

/// The QUIC connection under a driver that Endpoint made.
[[nodiscard]] const quic::Connection& quic_connection(const SessionDriver& driver) noexcept;
/// The same under any driver; null when its connection is another carrier's.
[[nodiscard]] const quic::Connection* find_quic_connection(const SessionDriver& driver) noexcept;
/// All that QUIC knows of its end, in SessionUser::on_finished().
[[nodiscard]] const quic::CloseReason& quic_end(const SessionDriver& driver) noexcept;

}  // namespace msquic_py::runtime
