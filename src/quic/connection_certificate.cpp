// The decision about the peer's certificate, and the key log.
#include "quic/background.h"
#include "quic/certificate_check.h"
#include "quic/configuration_state.h"
#include "quic/connection_state.h"
#include "quic/library.h"

namespace msquic_py::quic {

void ConnectionState::set_certificate_cause(const CertificateVerdict& verdict) noexcept {
  const std::uint8_t alert = alert_for(verdict.status);
  CloseReason cause;
  cause.cause = CloseReason::Cause::Transport;
  cause.status = verdict.status;
  cause.raw_status = static_cast<std::int64_t>(QUIC_STATUS_TLS_ALERT(alert));
  cause.on_wire = true;
  cause.code = 0x100 + std::uint64_t{alert};  // CRYPTO_ERROR with the alert (RFC 9001 section 4.8)
  cause.message = verdict.message;
  set_cause(std::move(cause));
}

QUIC_STATUS ConnectionState::refuse_certificate(const CertificateVerdict& verdict) noexcept {
  set_certificate_cause(verdict);
  const std::uint8_t alert = alert_for(verdict.status);
  // A failure here always becomes the alert bad_certificate. Any other alert takes the way of a late decision.
  verification_.store(Verification::Done, std::memory_order_release);
  if (alert != QUIC_TLS_ALERT_CODE_BAD_CERTIFICATE && QUIC_SUCCEEDED(api().ConnectionCertificateValidationComplete(
                                                          handle_, FALSE, static_cast<QUIC_TLS_ALERT_CODES>(alert)))) {
    return QUIC_STATUS_PENDING;
  }
  return QUIC_STATUS_BAD_CERTIFICATE;
}

QUIC_STATUS ConnectionState::on_certificate(const QUIC_CONNECTION_EVENT& event) noexcept {
  const ReceivedCertificates received{event.PEER_CERTIFICATE_RECEIVED.Certificate,
                                      event.PEER_CERTIFICATE_RECEIVED.Chain};
  std::string name;
  const ConfigurationState* configuration = nullptr;
  {
    const std::lock_guard lock(mutex_);
    name = server_name_;
    configuration = configuration_;  // kept by this block
  }
  if (configuration == nullptr) return QUIC_STATUS_BAD_CERTIFICATE;
  const Credentials& credentials = configuration->credentials();
  std::vector<base::ByteVector> read = read_peer_chain(received);
  if (read.empty()) {
    if (server_ && credentials.client_certificates == ClientCertificates::Optional) return QUIC_STATUS_SUCCESS;
    set_certificate_cause({Status::NoCertificate, std::string(status_text(Status::NoCertificate))});
    return QUIC_STATUS_BAD_CERTIFICATE;  // for a missing one MsQuic sends the alert certificate_required
  }
  CertificateVerdict verdict = configuration->check().check(received, server_ ? std::string_view() : name);
  certificate_checked_ = true;
  {
    const std::lock_guard lock(mutex_);
    peer_chain_ = std::move(read);
  }
  const std::vector<base::ByteVector>& chain = peer_chain_;  // only written here
  if (!credentials.custom_verification) return verdict.good() ? QUIC_STATUS_SUCCESS : refuse_certificate(verdict);

  verification_.store(Verification::Pending, std::memory_order_release);
  CertificateDecision decision = CertificateDecision::Reject;
  if (ConnectionHandler* const handler = listener())
    decision = handler->on_peer_certificate({chain.front(), chain, name, verdict});
  if (decision == CertificateDecision::Pending) {
    retain();
    run_in_background_after(configuration->verification_timeout(), [this] {
      static_cast<void>(complete_certificate(false, "the decision about the peer's certificate took too long"));
      release();
    });
    return QUIC_STATUS_PENDING;
  }
  // A call of complete_certificate() during the handler came first: MsQuic has the answer in its queue.
  Verification expected = Verification::Pending;
  if (!verification_.compare_exchange_strong(expected, Verification::Done)) return QUIC_STATUS_PENDING;
  if (decision == CertificateDecision::Accept) return QUIC_STATUS_SUCCESS;
  if (verdict.good()) verdict = {Status::CertificateRefused, std::string(status_text(Status::CertificateRefused))};
  return refuse_certificate(verdict);
}

bool ConnectionState::complete_certificate(bool accept, std::string_view reason) noexcept {
  const Inside inside(*this);
  if (!inside) return false;
  Verification expected = Verification::Pending;
  if (!verification_.compare_exchange_strong(expected, Verification::Done)) return false;
  // MsQuic before 2.5.10 crashes when a certificate is accepted after a shutdown completed. None has begun here; should
  // the peer begin one now, MsQuic lingers for 15 ms or more, behind this call in the connection's queue.
  if (is_closing()) return false;
  const std::string message(reason.empty() ? status_text(Status::CertificateRefused) : reason);
  if (!accept) set_certificate_cause({Status::CertificateRefused, message});
  const auto alert = static_cast<QUIC_TLS_ALERT_CODES>(alert_for(Status::CertificateRefused));
  return QUIC_SUCCEEDED(api().ConnectionCertificateValidationComplete(handle_, accept ? TRUE : FALSE, alert));
}

std::vector<base::ByteVector> ConnectionState::peer_chain() const {
  const std::lock_guard lock(mutex_);
  return peer_chain_;
}

// MsQuic writes into the block that it is given here until the handshake is over.
QUIC_STATUS ConnectionState::begin_key_log(const ConfigurationState& configuration) noexcept {
  if (!configuration.key_log()) return QUIC_STATUS_SUCCESS;
  key_log_ = configuration.key_log();
  secrets_ = std::make_unique<QUIC_TLS_SECRETS>();
  return api().SetParam(handle_, QUIC_PARAM_CONN_TLS_SECRETS, sizeof(*secrets_), secrets_.get());
}

void ConnectionState::write_key_log() noexcept {
  if (const std::shared_ptr<KeyLog> log = std::exchange(key_log_, nullptr)) log->write(*secrets_);
}

}  // namespace msquic_py::quic
