// Sending datagrams: from the queue, as MsQuic gets them sent.
#include "quic/connection_state.h"
#include "quic/library.h"

namespace msquic_py::quic {
namespace {

std::uint8_t kNothing = 0;

QUIC_SEND_FLAGS to_msquic(DatagramSendFlags flags) noexcept {
  unsigned out = QUIC_SEND_FLAG_NONE;
  if (has_flag(flags, DatagramSendFlags::AllowZeroRtt)) out |= QUIC_SEND_FLAG_ALLOW_0_RTT;
  if (has_flag(flags, DatagramSendFlags::Priority)) out |= QUIC_SEND_FLAG_DGRAM_PRIORITY;
  if (has_flag(flags, DatagramSendFlags::CancelOnBlocked)) out |= QUIC_SEND_FLAG_CANCEL_ON_BLOCKED;
  return static_cast<QUIC_SEND_FLAGS>(out);
}

Error unavailable() {
  return Error::own(Status::DatagramUnavailable, std::string(status_text(Status::DatagramUnavailable)));
}

Error send_error(QUIC_STATUS status, std::uint64_t size) {
  if (status == QUIC_STATUS_INVALID_STATE || status == QUIC_STATUS_ABORTED) return unavailable();
  if (status == QUIC_STATUS_INVALID_PARAMETER) {  // the limit sank since it was reported, or the peer set a lower one
    return Error::own(Status::DatagramTooLarge,
                      "a datagram of " + std::to_string(size) + " bytes is larger than the connection can carry now");
  }
  return Error::from_raw(status, "sending a datagram");
}

}  // namespace

Result<void> ConnectionState::send_datagram(SendRecord* record) noexcept {
  const Inside inside(*this);
  if (record->buffers.empty()) record->buffers.push_back({0, &kNothing});  // MsQuic wants a buffer, if an empty one
  const std::uint64_t size = record->size();
  const std::uint16_t limit = max_datagram_size();
  if (!inside || limit == 0 || is_closing()) {
    send_records_.give_back(record);
    return base::Failure{unavailable()};
  }
  if (size > limit) {
    send_records_.give_back(record);
    return base::Failure{Error::own(Status::DatagramTooLarge, "a datagram of " + std::to_string(size) +
                                                                  " bytes is larger than the " + std::to_string(limit) +
                                                                  " that the connection can carry now")};
  }
  const DatagramQueue::Work work = datagrams_.push(*record);
  give_up_datagrams(work.give_up);
  QUIC_STATUS status = QUIC_STATUS_SUCCESS;
  const SendRecord* own_record = record;  // until it is handed over, from when on it may be anybody's
  for (SendRecord* next = work.hand_over; next != nullptr; next = datagrams_.next()) {
    const bool own = next == own_record;
    if (own) own_record = nullptr;
    const QUIC_STATUS handed_over = hand_over(*next);
    if (QUIC_SUCCEEDED(handed_over)) continue;
    if (own) {
      status = handed_over;
      send_records_.give_back(next);
    } else {
      give_up_datagrams(next);
    }
  }
  if (QUIC_FAILED(status)) return base::Failure{send_error(status, size)};
  return {};
}

QUIC_STATUS ConnectionState::hand_over(SendRecord& record) noexcept {
  const QUIC_STATUS status =
      api().DatagramSend(handle_, record.buffers.data(), static_cast<std::uint32_t>(record.buffers.size()),
                         to_msquic(record.datagram_flags), &record);
  if (QUIC_FAILED(status)) datagrams_.refused(record);
  return status;
}

void ConnectionState::hand_over_more(SendRecord* record) noexcept {
  for (; record != nullptr; record = datagrams_.next()) {
    if (QUIC_FAILED(hand_over(*record))) give_up_datagrams(record);
  }
}

void ConnectionState::give_up_datagrams(SendRecord* records) noexcept {
  std::shared_ptr<ConnectionHandler> handler;
  while (records != nullptr) {
    SendRecord* const record = records;
    records = record->next;
    record->next = nullptr;
    const std::uint64_t token = record->token;
    send_records_.give_back(record);
    if (token == 0 || Library::finalizing()) continue;
    if (!handler) {
      const std::lock_guard lock(mutex_);
      handler = datagram_listener_;
    }
    if (handler) handler->on_datagram_send_state(token, DatagramSendState::Canceled);
  }
}

void ConnectionState::on_datagram_send_state(QUIC_CONNECTION_EVENT& event) noexcept {
  auto* const record = static_cast<SendRecord*>(event.DATAGRAM_SEND_STATE_CHANGED.ClientContext);
  const QUIC_DATAGRAM_SEND_STATE in = event.DATAGRAM_SEND_STATE_CHANGED.State;
  DatagramSendState state = DatagramSendState::Canceled;
  switch (in) {
    case QUIC_DATAGRAM_SEND_SENT: state = DatagramSendState::Sent; break;
    case QUIC_DATAGRAM_SEND_LOST_SUSPECT: state = DatagramSendState::LostSuspect; break;
    case QUIC_DATAGRAM_SEND_LOST_DISCARDED: state = DatagramSendState::LostDiscarded; break;
    case QUIC_DATAGRAM_SEND_ACKNOWLEDGED: state = DatagramSendState::Acknowledged; break;
    case QUIC_DATAGRAM_SEND_ACKNOWLEDGED_SPURIOUS: state = DatagramSendState::AcknowledgedSpurious; break;
    case QUIC_DATAGRAM_SEND_CANCELED: state = DatagramSendState::Canceled; break;
    default: return;
  }
  const std::uint64_t token = record->token;
  const bool leaves = record->in_msquic;  // else it left when it was sent
  SendRecord* const next = leaves ? datagrams_.left(*record) : nullptr;
  if (state == DatagramSendState::Canceled && !is_closing() &&
      has_flag(record->datagram_flags, DatagramSendFlags::CancelOnBlocked)) {
    datagrams_.count_dropped();
  }
  if (is_final(state)) {
    event.DATAGRAM_SEND_STATE_CHANGED.ClientContext = nullptr;
    send_records_.give_back(record);
  } else {
    record->retained.clear();  // MsQuic is through with the bytes as soon as they are sent
  }
  ConnectionHandler* const handler = listener();
  if (token != 0 && handler != nullptr) handler->on_datagram_send_state(token, state);
  hand_over_more(next);
  if (leaves) tell_datagram_room();
}

void ConnectionState::tell_datagram_room() noexcept {
  ConnectionHandler* const handler = listener();
  if (!is_closing() && datagrams_.take_room() && handler != nullptr) handler->on_datagram_room();
}

}  // namespace msquic_py::quic
