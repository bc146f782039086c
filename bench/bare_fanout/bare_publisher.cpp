#include "bare_publisher.h"

#include <span>

#include "bare_server.h"

namespace msquic_py::bench {

BarePublisher::BarePublisher(BareServer& server) noexcept : ControlAnswers(server, server.take_up()) {}

QUIC_STATUS QUIC_API BarePublisher::on_subgroup(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
  auto* const self = static_cast<Incoming*>(context);
  if (event->Type == QUIC_STREAM_EVENT_RECEIVE) {
    const bool last = (event->RECEIVE.Flags & QUIC_RECEIVE_FLAG_FIN) != 0;
    self->server.forward(std::span(event->RECEIVE.Buffers, event->RECEIVE.BufferCount), !self->begun, last);
    self->begun = true;
  } else if (event->Type == QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE) {
    self->server.api().StreamClose(stream);
    delete self;
  }
  return QUIC_STATUS_SUCCESS;
}

QUIC_STATUS QUIC_API BarePublisher::on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto* const self = static_cast<BarePublisher*>(context);
  const QUIC_API_TABLE& api = self->server().api();
  switch (event->Type) {
    case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED:
      if ((event->PEER_STREAM_STARTED.Flags & QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL) != 0) {
        api.SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&on_subgroup),
                               new Incoming{self->server()});
      } else {
        self->attach(event->PEER_STREAM_STARTED.Stream);
      }
      break;
    case QUIC_CONNECTION_EVENT_DATAGRAM_RECEIVED:
      self->server().forward(std::span(event->DATAGRAM_RECEIVED.Buffer, 1), /*first=*/false, /*last=*/false);
      break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE:
      api.ConnectionClose(connection);
      delete self;
      break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::bench
