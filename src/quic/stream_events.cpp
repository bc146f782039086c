// What MsQuic tells about a stream, turned into calls of its handler.
#include "quic/background.h"
#include "quic/callback_scope.h"
#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/send_record.h"
#include "quic/stream_state.h"

namespace msquic_py::quic {

thread_local const ConnectionState* CallbackScope::current_ = nullptr;

QUIC_STATUS QUIC_API StreamState::callback(HQUIC, void* context, QUIC_STREAM_EVENT* event) noexcept {
  auto& state = *static_cast<StreamState*>(context);
  const CallbackScope scope(state.connection_);
  return state.on_event(*event);
}

StreamHandler* StreamState::listener() const noexcept { return Library::finalizing() ? nullptr : handler_.get(); }

QUIC_STATUS StreamState::on_event(QUIC_STREAM_EVENT& event) noexcept {
  connection_.announce_close();
  if (held_ && keep_back(event)) return QUIC_STATUS_SUCCESS;
  StreamHandler* const handler = listener();
  switch (event.Type) {
    case QUIC_STREAM_EVENT_START_COMPLETE: on_start_complete(event); break;
    case QUIC_STREAM_EVENT_RECEIVE: on_receive(event); break;
    case QUIC_STREAM_EVENT_SEND_COMPLETE: {
      auto* const record = static_cast<SendRecord*>(event.SEND_COMPLETE.ClientContext);
      const std::uint64_t token = record->token;
      connection_.send_records().give_back(record);
      if (handler != nullptr) handler->on_send_complete(token, event.SEND_COMPLETE.Canceled != FALSE);
      break;
    }
    case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
      done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
      if (handler != nullptr) handler->on_peer_send_shutdown();
      break;
    case QUIC_STREAM_EVENT_PEER_SEND_ABORTED:
      done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
      offer_last();
      if (handler != nullptr) handler->on_peer_send_aborted(event.PEER_SEND_ABORTED.ErrorCode);
      break;
    case QUIC_STREAM_EVENT_PEER_RECEIVE_ABORTED:
      if (handler != nullptr) handler->on_peer_receive_aborted(event.PEER_RECEIVE_ABORTED.ErrorCode);
      break;
    case QUIC_STREAM_EVENT_SEND_SHUTDOWN_COMPLETE:
      done_.fetch_or(kSendDone, std::memory_order_acq_rel);
      if (early_bytes_.load(std::memory_order_acquire)) settle_early_data();
      if (handler != nullptr) handler->on_send_shutdown_complete(event.SEND_SHUTDOWN_COMPLETE.Graceful != FALSE);
      break;
    case QUIC_STREAM_EVENT_IDEAL_SEND_BUFFER_SIZE:
      if (handler != nullptr) handler->on_ideal_send_buffer(event.IDEAL_SEND_BUFFER_SIZE.ByteCount);
      break;
    case QUIC_STREAM_EVENT_PEER_ACCEPTED:
      if (handler != nullptr) handler->on_peer_accepted();
      break;
    case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE:
      on_shutdown_complete(event);  // may destroy this
      break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

void StreamState::on_start_complete(const QUIC_STREAM_EVENT& event) noexcept {
  const auto& start = event.START_COMPLETE;
  if (QUIC_SUCCEEDED(start.Status)) {
    id_.store(start.ID, std::memory_order_release);
    apply_priority();
  }
  if (StreamHandler* const handler = listener()) {
    const bool failed = QUIC_FAILED(start.Status);
    handler->on_start_complete(start.ID, failed ? status_from_raw(start.Status) : Status::Success,
                               start.PeerAccepted != FALSE);
  }
}

// MsQuic knows how many of the acknowledged bytes went as early data, and tells it when all are acknowledged.
void StreamState::settle_early_data() noexcept {
  std::uint64_t bytes = 0;
  std::uint32_t size = sizeof(bytes);
  if (QUIC_SUCCEEDED(api().GetParam(handle_, QUIC_PARAM_STREAM_0RTT_LENGTH, &size, &bytes)))
    connection_.settle_early_data(bytes != 0);
}

void StreamState::deliver_shutdown(const StreamShutdown& shutdown) noexcept {
  const std::shared_ptr<StreamHandler> handler = std::move(handler_);
  handler_ = nullptr;
  if (!handler) return;
  if (Library::finalizing()) {
    keep_for_ever(handler);
    return;
  }
  handler->on_shutdown_complete(shutdown);
}

void StreamState::on_shutdown_complete(const QUIC_STREAM_EVENT& event) noexcept {
  const auto& in = event.SHUTDOWN_COMPLETE;
  done_.fetch_or(kSendDone | kReceiveDone, std::memory_order_acq_rel);
  offer_last();
  // Shut first: inside the last handler call is_closed() is true and nothing can be started any more.
  const bool closes = gate_.shut();
  StreamShutdown shutdown;
  shutdown.connection_shutdown = in.ConnectionShutdown != FALSE;
  if (shutdown.connection_shutdown) {
    shutdown.by_application = in.ConnectionShutdownByApp != FALSE;
    shutdown.remote = in.ConnectionClosedRemotely != FALSE;
    shutdown.connection_error_code = in.ConnectionErrorCode;
    shutdown.connection_status = status_from_raw(static_cast<std::int64_t>(in.ConnectionCloseStatus));
  }
  deliver_shutdown(shutdown);
  if (closes) close_now();
}

}  // namespace msquic_py::quic
