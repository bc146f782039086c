// Streams of early data on a server that did not ask for it, kept back until the handshake is complete. MsQuic 2.5 with
// OpenSSL takes 0-RTT data whenever a session is resumed, whatever server_resumption_level says, and who recorded a
// first flight can send it again and again. But only who has the session's secret completes the handshake, and that
// covers the whole first flight, so from there on its streams are as good as any and do not count as early data.
#include <algorithm>

#include "quic/connection_state.h"
#include "quic/stream_state.h"

namespace msquic_py::quic {

// Right after on_connected(), in the order in which the streams came. Those of a connection that is closed meanwhile
// stay where they are and go with it.
void ConnectionState::hand_out_held_streams() noexcept {
  std::reverse(held_streams_.begin(), held_streams_.end());
  while (!held_streams_.empty() && !is_closing()) {
    Stream stream = std::move(held_streams_.back());
    held_streams_.pop_back();
    // Still held while the handler is asked: what a call on the stream causes at once finds no handler yet.
    auto events = offer(stream, false);
    stream.state()->let_go(std::move(events));
  }
}

void StreamState::hold() { held_ = std::make_unique<HeldEvents>(); }

bool StreamState::keep_back(QUIC_STREAM_EVENT& event) noexcept {
  HeldEvents& held = *held_;
  switch (event.Type) {
    case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
      held.peer_send_shutdown = true;
      done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
      return true;
    case QUIC_STREAM_EVENT_PEER_SEND_ABORTED:
      held.reset_code = event.PEER_SEND_ABORTED.ErrorCode;
      done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
      return true;
    case QUIC_STREAM_EVENT_PEER_RECEIVE_ABORTED: held.stop_code = event.PEER_RECEIVE_ABORTED.ErrorCode; return true;
    case QUIC_STREAM_EVENT_SEND_SHUTDOWN_COMPLETE:
      held.send_shutdown = event.SEND_SHUTDOWN_COMPLETE.Graceful != FALSE;
      done_.fetch_or(kSendDone, std::memory_order_acq_rel);
      return true;
    case QUIC_STREAM_EVENT_IDEAL_SEND_BUFFER_SIZE:
      held.ideal_send_buffer = event.IDEAL_SEND_BUFFER_SIZE.ByteCount;
      return true;
    case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE:
      // The handle stays open, so that the handler meets a stream that is not closed yet. If the connection ends
      // first, it closes the handle itself.
      held.shutdown_complete = event;
      done_.fetch_or(kSendDone | kReceiveDone, std::memory_order_acq_rel);
      return true;
    default: return false;
  }
}

void StreamState::let_go(std::shared_ptr<StreamHandler> handler) noexcept {
  const std::unique_ptr<HeldEvents> held = std::move(held_);
  handler_ = std::move(handler);
  // Asked for each time: a call of the handler may end the stream. The caller's handle keeps this.
  if (held->ideal_send_buffer && listener() != nullptr) listener()->on_ideal_send_buffer(*held->ideal_send_buffer);
  if (held->fin_at && listener() != nullptr) {
    ReceivedData end;
    end.offset = *held->fin_at;
    end.fin = true;
    static_cast<void>(listener()->on_receive(end));
  }
  if (held->peer_send_shutdown && listener() != nullptr) listener()->on_peer_send_shutdown();
  if (held->reset_code) offer_last();
  if (held->reset_code && listener() != nullptr) listener()->on_peer_send_aborted(*held->reset_code);
  if (held->stop_code && listener() != nullptr) listener()->on_peer_receive_aborted(*held->stop_code);
  if (held->send_shutdown && listener() != nullptr) listener()->on_send_shutdown_complete(*held->send_shutdown);
  if (held->shutdown_complete) {
    on_shutdown_complete(*held->shutdown_complete);
  } else if (unread_ && listener() != nullptr) {
    static_cast<void>(resume_receive());  // fails when the stream was reset or aborted meanwhile: nothing to resume
  }
}

}  // namespace msquic_py::quic
