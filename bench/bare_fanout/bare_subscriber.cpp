#include "bare_subscriber.h"

#include <mutex>

#include "bare_server.h"

namespace msquic_py::bench {

BareSubscriber::BareSubscriber(BareServer& server, HQUIC connection) noexcept
    : ControlAnswers(server, server.subscribe_ok()), connection_(connection) {}

void BareSubscriber::answered() { server().add(*this); }

void BareSubscriber::send(Piece& piece) {
  const QUIC_API_TABLE& api = server().api();
  auto flags = QUIC_SEND_FLAG_NONE;
  if (piece.first) {
    stream_ = nullptr;
    if (QUIC_FAILED(api.StreamOpen(connection_, QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL, on_subgroup, this, &stream_))) {
      return piece.let_go();
    }
    flags = QUIC_SEND_FLAG_START;
  }
  if (piece.last) flags = static_cast<QUIC_SEND_FLAGS>(flags | QUIC_SEND_FLAG_FIN);
  if (stream_ == nullptr || QUIC_FAILED(api.StreamSend(stream_, &piece.buffer, 1, flags, &piece))) piece.let_go();
}

void BareSubscriber::send_datagram(Piece& piece) {
  if (QUIC_FAILED(server().api().DatagramSend(connection_, &piece.buffer, 1, QUIC_SEND_FLAG_NONE, &piece))) {
    piece.let_go();
  }
}

QUIC_STATUS QUIC_API BareSubscriber::on_subgroup(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
  auto& self = *static_cast<BareSubscriber*>(context);
  if (event->Type == QUIC_STREAM_EVENT_SEND_COMPLETE) {
    static_cast<Piece*>(event->SEND_COMPLETE.ClientContext)->let_go();
  } else if (event->Type == QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE) {
    {
      const std::lock_guard lock(self.server().mutex());
      if (self.stream_ == stream) self.stream_ = nullptr;
    }
    self.server().api().StreamClose(stream);
  }
  return QUIC_STATUS_SUCCESS;
}

QUIC_STATUS QUIC_API BareSubscriber::on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto* const self = static_cast<BareSubscriber*>(context);
  const QUIC_API_TABLE& api = self->server().api();
  switch (event->Type) {
    case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED: self->attach(event->PEER_STREAM_STARTED.Stream); break;
    case QUIC_CONNECTION_EVENT_DATAGRAM_SEND_STATE_CHANGED:
      if (QUIC_DATAGRAM_SEND_STATE_IS_FINAL(event->DATAGRAM_SEND_STATE_CHANGED.State)) {
        static_cast<Piece*>(event->DATAGRAM_SEND_STATE_CHANGED.ClientContext)->let_go();
      }
      break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE:
      self->server().remove(*self);
      api.ConnectionClose(connection);
      delete self;
      break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::bench
