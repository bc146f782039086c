#include "bulk_server.h"

#include <cstdio>
#include <cstring>

namespace msquic_py::bench {

namespace {

struct Server {
  const MsQuicApi& api;
  HQUIC configuration;
};

/// One stream; deletes itself at its end.
struct Intake {
  Server& server;
  std::uint64_t received = 0;
  std::uint8_t answer[8] = {};
  QUIC_BUFFER buffer{sizeof(answer), answer};

  static QUIC_STATUS QUIC_API on_event(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto* const self = static_cast<Intake*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE: self->received += event->RECEIVE.TotalBufferLength; break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
        std::memcpy(self->answer, &self->received, sizeof(self->answer));
        self->server.api->StreamSend(stream, &self->buffer, 1, QUIC_SEND_FLAG_FIN, nullptr);
        break;
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE:
        self->server.api->StreamClose(stream);
        delete self;
        break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }
};

QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto& server = *static_cast<Server*>(context);
  switch (event->Type) {
    case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED:
      server.api->SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&Intake::on_event),
                                     new Intake{server});
      break;
    case QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE: server.api->ConnectionClose(connection); break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

QUIC_STATUS QUIC_API on_listener(HQUIC, void* context, QUIC_LISTENER_EVENT* event) {
  auto& server = *static_cast<Server*>(context);
  if (event->Type != QUIC_LISTENER_EVENT_NEW_CONNECTION) return QUIC_STATUS_SUCCESS;
  server.api->SetCallbackHandler(event->NEW_CONNECTION.Connection, reinterpret_cast<void*>(&on_connection), context);
  return server.api->ConnectionSetConfiguration(event->NEW_CONNECTION.Connection, server.configuration);
}

}  // namespace

void serve_bulk(const MsQuicApi& api, const std::string& certificate, const std::string& key) {
  Server server{api, api.configure(certificate, key)};
  HQUIC listener = nullptr;
  require(api->ListenerOpen(api.registration(), on_listener, &server, &listener), "ListenerOpen");
  QUIC_ADDR address{};
  QuicAddrSetFamily(&address, QUIC_ADDRESS_FAMILY_INET);
  QuicAddrFromString("127.0.0.1", 0, &address);
  const QUIC_BUFFER alpn{sizeof(kBulkAlpn) - 1, reinterpret_cast<std::uint8_t*>(const_cast<char*>(kBulkAlpn))};
  require(api->ListenerStart(listener, &alpn, 1, &address), "ListenerStart");
  std::uint32_t size = sizeof(address);
  require(api->GetParam(listener, QUIC_PARAM_LISTENER_LOCAL_ADDRESS, &size, &address), "the listener's address");
  std::printf("listening on port %u\n", unsigned{QuicAddrGetPort(&address)});
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  api->ListenerClose(listener);
  api->RegistrationShutdown(api.registration(), QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
  api->ConfigurationClose(server.configuration);
}

}  // namespace msquic_py::bench
