// Tickets, and the sessions that are resumed with them.
#include "quic/configuration_state.h"
#include "quic/connection_state.h"
#include "quic/resumption_ticket.h"

namespace msquic_py::quic {
namespace {

constexpr std::size_t kLongestTicketData = 1000;

}  // namespace

Result<void> ConnectionState::set_resumption_ticket(base::Bytes ticket) {
  if (server_ || start_requested_.load(std::memory_order_acquire)) {
    return base::Failure{
        Error::own(Status::InvalidState, "a resumption ticket is set before a client connection starts")};
  }
  if (!ResumptionTicket::decode(ticket)) {
    return base::Failure{
        Error::own(Status::InvalidParameter, "these bytes are not a resumption ticket from on_resumption_ticket()")};
  }
  const std::lock_guard lock(mutex_);
  ticket_.assign(ticket.begin(), ticket.end());
  has_ticket_.store(true, std::memory_order_release);
  return {};
}

void ConnectionState::on_ticket(const QUIC_CONNECTION_EVENT& event) noexcept {
  ConnectionHandler* const handler = listener();
  if (handler == nullptr) return;
  const auto& in = event.RESUMPTION_TICKET_RECEIVED;
  std::string name;
  std::string alpn;
  std::string trust;
  {
    const std::lock_guard lock(mutex_);
    name = server_name_;
    alpn = alpn_;
    if (configuration_ != nullptr) trust = configuration_->trust();
  }
  const ResumptionTicket ticket{name, alpn, trust, {in.ResumptionTicket, in.ResumptionTicketLength}};
  handler->on_resumption_ticket(ticket.encode());
}

Result<void> ConnectionState::send_resumption_ticket(base::Bytes data, bool last) noexcept {
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the connection")};
  if (data.size() > kLongestTicketData) {
    return base::Failure{Error::own(Status::InvalidParameter, "a resumption ticket carries at most 1000 bytes")};
  }
  // MsQuic refuses further tickets only once its worker has sent the last one.
  if (last_ticket_sent_.load(std::memory_order_acquire) ||
      (last && last_ticket_sent_.exchange(true, std::memory_order_acq_rel))) {
    return base::Failure{Error::own(Status::InvalidState, "the connection's last resumption ticket was sent already")};
  }
  const QUIC_STATUS status = api().ConnectionSendResumptionTicket(
      handle_, last ? QUIC_SEND_RESUMPTION_FLAG_FINAL : QUIC_SEND_RESUMPTION_FLAG_NONE,
      static_cast<std::uint16_t>(data.size()), data.data());
  if (QUIC_FAILED(status)) {
    if (last) last_ticket_sent_.store(false, std::memory_order_release);
    return base::Failure{Error::from_raw(
        status, "sending a resumption ticket (servers only, after the handshake, with server_resumption_level)")};
  }
  return {};
}

// Answered at once: MsQuic 2.5 hangs, for ever and with its worker, when a connection is closed while it waits for this
// answer.
QUIC_STATUS ConnectionState::on_resumed(base::Bytes application_data) noexcept {
  ConnectionHandler* const handler = listener();
  const bool resume = handler == nullptr || handler->on_resumed(application_data);
  return resume ? QUIC_STATUS_SUCCESS : QUIC_STATUS_CONNECTION_REFUSED;
}

void ConnectionState::settle_early_data(bool accepted) noexcept {
  if (!has_ticket_.load(std::memory_order_acquire)) return;  // nothing could go early
  EarlyData unknown = EarlyData::Unknown;
  if (!early_data_.compare_exchange_strong(unknown, accepted ? EarlyData::Accepted : EarlyData::Rejected)) return;
  if (ConnectionHandler* const handler = listener()) handler->on_early_data(accepted);
}

std::optional<bool> ConnectionState::early_data_accepted() const noexcept {
  const EarlyData known = early_data_.load(std::memory_order_acquire);
  if (known == EarlyData::Unknown) return std::nullopt;
  return known == EarlyData::Accepted;
}

// MsQuic 2.5 judges some tickets before it asks: those of a server that admitted more, streams for example. It resumes
// nothing with them, but then waits for an answer all the same, for ever. An answer to no question does nothing, so one
// follows the configuration in the connection's queue, where the ticket has been seen.
void ConnectionState::answer_what_is_not_asked() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (configuration_ == nullptr || !configuration_->resumes_sessions()) return;
  }
  static_cast<void>(api().ConnectionResumptionTicketValidationComplete(handle_, TRUE));
}

}  // namespace msquic_py::quic
