// How the bytes of a stream come from MsQuic to its handler.
//
// Streams receive in MsQuic's multi-receive mode: whatever arrives in order is handed over at once, also while a
// handler takes nothing. Flow control follows what the handler takes, because only that is completed. So everything
// that the peer's QUIC saw acknowledged is in this side's hands when the connection ends, and the handler gets it then.
// In the other mode MsQuic keeps what comes while a stream is paused to itself, and drops it with the connection.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/stream_state.h"

namespace msquic_py::quic {

void StreamState::on_receive(QUIC_STREAM_EVENT& event) noexcept {
  auto& receive = event.RECEIVE;
  std::array<base::Bytes, 8> few;
  std::vector<base::Bytes> many;
  base::Bytes* chunks = few.data();
  if (receive.BufferCount > few.size()) {
    many.resize(receive.BufferCount);
    chunks = many.data();
  }
  for (std::uint32_t i = 0; i < receive.BufferCount; ++i)
    chunks[i] = {receive.Buffers[i].Buffer, receive.Buffers[i].Length};

  ReceivedData data;
  data.offset = receive.AbsoluteOffset;
  data.size = receive.TotalBufferLength;
  data.chunks = {chunks, receive.BufferCount};
  // Without bytes it may be the answer to resume_receive() alone. MsQuic claims an end then; at an offset that is not
  // this one nobody has finished the stream, or bytes before its end are missing.
  data.fin = (receive.Flags & QUIC_RECEIVE_FLAG_FIN) != 0 && (data.size != 0 || data.offset == received_);
  data.early_data = connection_.takes_early_data() && (receive.Flags & QUIC_RECEIVE_FLAG_0_RTT) != 0;
  if (data.early_data) mark_early_data();
  received_ += data.size;

  // Cleared before the handler is asked, which may call resume_receive() while it decides.
  const bool resumed = resumed_.load(std::memory_order_acquire) && resumed_.exchange(false, std::memory_order_acq_rel);
  if (unread_) {
    unread_->add(data.chunks, data.fin, data.early_data);
    receive.TotalBufferLength = 0;
    if (!resumed) return;
    data = unread_->view();
  } else if (data.size == 0 && !data.fin) {
    return;
  }
  const std::uint64_t taken = offer(data);
  // Completes the first bytes of what is not completed, whichever event brought them. The answer is always success: a
  // pended fin without bytes never ends the stream.
  receive.TotalBufferLength = taken;
  if (taken == data.size) {
    unread_ = nullptr;
  } else if (unread_) {
    unread_->drop(taken);
  } else {
    unread_ = std::make_unique<UnreadBytes>(data, taken);
  }
}

std::uint64_t StreamState::offer(const ReceivedData& data) noexcept {
  if (held_) {
    // The bytes stay where they are. Without any MsQuic does not tell of the fin again.
    if (data.size == 0) held_->fin_at = data.offset;
    if (data.size == 0) done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
    return 0;
  }
  StreamHandler* const handler = listener();
  const std::uint64_t taken = handler != nullptr ? std::min(data.size, handler->on_receive(data)) : data.size;
  if (taken == data.size && data.fin) done_.fetch_or(kReceiveDone, std::memory_order_acq_rel);
  return taken;
}

void StreamState::offer_last() noexcept {
  const std::unique_ptr<UnreadBytes> unread = std::move(unread_);
  if (!unread || receive_aborted_.load(std::memory_order_acquire)) return;
  ReceivedData data = unread->view();
  data.last = true;
  static_cast<void>(offer(data));
}

Result<void> StreamState::resume_receive() noexcept {
  const Inside inside(*this);
  if (!inside) return base::Failure{closed_handle("the stream")};
  resumed_.store(true, std::memory_order_release);
#if !defined(MSQUIC_PY_PATCHED_MSQUIC)
  // Receiving is always enabled, and enabling it only does something when it is not. What arrives between the two calls
  // waits for the second.
  static_cast<void>(api().StreamReceiveSetEnabled(handle_, FALSE));
#endif
  // Makes MsQuic call back, on the thread that may call the handler.
  const QUIC_STATUS status = api().StreamReceiveSetEnabled(handle_, TRUE);
  if (QUIC_FAILED(status)) return base::Failure{stream_error(status, "resuming a stream")};
  return {};
}

}  // namespace msquic_py::quic
