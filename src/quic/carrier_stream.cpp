#include "quic/carrier_stream.h"

#include <utility>

namespace msquic_py::quic {

transport::TransportError carrier_error(const Error& error) noexcept {
  using transport::TransportError;
  switch (error.status) {
    case Status::ClosedHandle:
    case Status::ConnectionClosing: return TransportError::ConnectionClosing;
    case Status::StreamAborted:
    case Status::InvalidState:
    case Status::Aborted: return TransportError::StreamEnded;
    case Status::DatagramTooLarge: return TransportError::DatagramTooLarge;
    case Status::DatagramUnavailable: return TransportError::DatagramsUnavailable;
    case Status::OutOfMemory: return TransportError::OutOfMemory;
    default: return TransportError::CarrierFailed;
  }
}

std::uint64_t CarrierStreamEvents::on_receive(const ReceivedData& data) noexcept {
  return handler_->on_received(key_, {.size = data.size, .chunks = data.chunks, .fin = data.fin, .last = data.last});
}

void CarrierStreamEvents::on_send_complete(std::uint64_t token, bool canceled) noexcept {
  handler_->on_sent(key_, token, canceled);
}

void CarrierStreamEvents::on_peer_send_aborted(std::uint64_t code) noexcept { handler_->on_peer_reset(key_, code); }
void CarrierStreamEvents::on_peer_receive_aborted(std::uint64_t code) noexcept { handler_->on_peer_stop(key_, code); }

void CarrierStreamEvents::on_shutdown_complete(const StreamShutdown& shutdown) noexcept {
  handler_->on_stream_closed(key_, shutdown.connection_shutdown);
}

transport::Result<void> CarriedStream::send(std::span<const base::SharedBytes> slices, bool fin,
                                            std::uint64_t token) noexcept {
  // MsQuic refuses only once its worker has seen the end; until then it would take what it can't send.
  if (ended_) return base::Failure{transport::TransportError::StreamEnded};
  ended_ = fin;
  auto flags = std::exchange(started_, true) ? SendFlags::None : SendFlags::Start;
  if (fin) flags = flags | SendFlags::Fin;
  if (auto sent = stream_.send(slices, flags, token); !sent) return base::Failure{carrier_error(sent.error())};
  return {};
}

void CarriedStream::reset(std::uint64_t code) noexcept {
  ended_ = true;
  // One that has carried nothing is started all the same, so that its reset tells the peer of it.
  if (!std::exchange(started_, true) && !stream_.start()) return;
  (void)stream_.abort_send(code);
}

void CarriedStream::stop(std::uint64_t code) noexcept { (void)stream_.abort_receive(code); }
void CarriedStream::resume_receive() noexcept { (void)stream_.resume_receive(); }
void CarriedStream::set_priority(std::uint16_t priority) noexcept { (void)stream_.set_priority(priority); }

}  // namespace msquic_py::quic
