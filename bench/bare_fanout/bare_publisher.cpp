#include "bare_publisher.h"

#include <span>

#include "bare_server.h"

namespace msquic_py::bench {

void BarePublisher::answer(HQUIC control) {
  const int number = answers_++;
  if (number > 1) return;
  static_cast<void>(server_.api().StreamSend(control, number == 0 ? server_.server_setup() : server_.take_up(), 1,
                                             QUIC_SEND_FLAG_NONE, nullptr));
}

QUIC_STATUS QUIC_API BarePublisher::on_control(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
  auto& self = *static_cast<BarePublisher*>(context);
  // SETUP and PUBLISH_NAMESPACE fit into a packet each, and the second waits for the answer to the first.
  if (event->Type == QUIC_STREAM_EVENT_RECEIVE && event->RECEIVE.TotalBufferLength != 0) self.answer(stream);
  if (event->Type == QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE) self.server_.api().StreamClose(stream);
  return QUIC_STATUS_SUCCESS;
}

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
  const QUIC_API_TABLE& api = self->server_.api();
  switch (event->Type) {
    case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED:
      if ((event->PEER_STREAM_STARTED.Flags & QUIC_STREAM_OPEN_FLAG_UNIDIRECTIONAL) != 0) {
        api.SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&on_subgroup),
                               new Incoming{self->server_});
      } else {
        api.SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&on_control), self);
      }
      break;
    case QUIC_CONNECTION_EVENT_DATAGRAM_RECEIVED:
      self->server_.forward(std::span(event->DATAGRAM_RECEIVED.Buffer, 1), /*first=*/false, /*last=*/false);
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
