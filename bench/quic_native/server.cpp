#include "server.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

#include "bulk_source.h"
#include "process_usage.h"
#include "protocol.h"

namespace msquic_py::bench {

namespace {

struct Server {
  const MsQuicApi& api;
  HQUIC configuration;
};

/// Reads `Count` numbers of 8 bytes, in whatever pieces they come.
template <std::size_t Count>
class NumberReader {
 public:
  void take(const QUIC_STREAM_EVENT& event) {
    for (std::uint32_t i = 0; i < event.RECEIVE.BufferCount; ++i) {
      const QUIC_BUFFER& part = event.RECEIVE.Buffers[i];
      const auto size = std::min<std::size_t>(part.Length, bytes_.size() - filled_);
      std::memcpy(bytes_.data() + filled_, part.Buffer, size);
      filled_ += size;
    }
  }
  [[nodiscard]] bool complete() const noexcept { return filled_ == bytes_.size(); }
  [[nodiscard]] std::uint64_t value(std::size_t index) const noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + index * sizeof(value), sizeof(value));
    return value;
  }

 private:
  std::array<std::uint8_t, 8 * Count> bytes_{};
  std::size_t filled_ = 0;
};

/// A stream of the job bulk-send; deletes itself at its end, as those below do.
struct BulkIntake {
  Server& server;
  std::uint64_t received = 0;
  QUIC_BUFFER answer{sizeof(received), reinterpret_cast<std::uint8_t*>(&received)};

  static QUIC_STATUS QUIC_API on_event(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto* const self = static_cast<BulkIntake*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE: self->received += event->RECEIVE.TotalBufferLength; break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
        self->server.api->StreamSend(stream, &self->answer, 1, QUIC_SEND_FLAG_FIN, nullptr);
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

/// A stream of the job bulk-receive.
struct BulkOutlet {
  Server& server;
  NumberReader<1> wanted{};
  BulkSource source{server.api};

  static QUIC_STATUS QUIC_API on_event(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto* const self = static_cast<BulkOutlet*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE: self->wanted.take(*event); break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN: self->source.start(stream, self->wanted.value(0)); break;
      case QUIC_STREAM_EVENT_SEND_COMPLETE:
        if (event->SEND_COMPLETE.Canceled == FALSE) self->source.piece_sent(stream);
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

/// A stream of the job requests. The answer is the same for all, so there is nothing to keep.
QUIC_STATUS QUIC_API on_request(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
  static std::array<std::uint8_t, kRequestSize> bytes{};
  static QUIC_BUFFER answer{kRequestSize, bytes.data()};
  auto& server = *static_cast<Server*>(context);
  switch (event->Type) {
    case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN:
      server.api->StreamSend(stream, &answer, 1, QUIC_SEND_FLAG_FIN, nullptr);
      break;
    case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE: server.api->StreamClose(stream); break;
    default: break;
  }
  return QUIC_STATUS_SUCCESS;
}

/// A connection of the job datagrams, with its one stream; deletes itself at the connection's end.
class DatagramIntake {
 public:
  explicit DatagramIntake(Server& server) : server_(server) {}

  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
    auto* const self = static_cast<DatagramIntake*>(context);
    switch (event->Type) {
      case QUIC_CONNECTION_EVENT_DATAGRAM_RECEIVED: self->received(); break;
      case QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED:
        self->stream_ = event->PEER_STREAM_STARTED.Stream;
        self->server_.api->SetCallbackHandler(self->stream_, reinterpret_cast<void*>(&on_stream), self);
        break;
      case QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE:
        self->server_.api->ConnectionClose(connection);
        delete self;
        break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }

 private:
  void start() {
    count_ = announcement_.value(0);
    until_count_ = interval_ = std::max<std::uint64_t>(announcement_.value(1), 1);
    say_count(QUIC_SEND_FLAG_NONE);
  }

  void received() {
    ++received_;
    if (--until_count_ == 0 || received_ == count_) {
      until_count_ = interval_;
      say_count(QUIC_SEND_FLAG_NONE);
    }
  }

  void say_count(QUIC_SEND_FLAGS flags) {
    // As many as can be under way: one for each credit of the window, the first and the last.
    const std::size_t slot = said_++ % counts_.size();
    std::uint64_t& count = counts_[slot];
    count = received_;
    QUIC_BUFFER& buffer = buffers_[slot];
    buffer = {sizeof(count), reinterpret_cast<std::uint8_t*>(&count)};
    server_.api->StreamSend(stream_, &buffer, 1, flags, nullptr);
  }

  static QUIC_STATUS QUIC_API on_stream(HQUIC stream, void* context, QUIC_STREAM_EVENT* event) {
    auto* const self = static_cast<DatagramIntake*>(context);
    switch (event->Type) {
      case QUIC_STREAM_EVENT_RECEIVE:
        self->announcement_.take(*event);
        if (self->announcement_.complete() && self->said_ == 0) self->start();
        break;
      case QUIC_STREAM_EVENT_PEER_SEND_SHUTDOWN: self->say_count(QUIC_SEND_FLAG_FIN); break;
      case QUIC_STREAM_EVENT_SHUTDOWN_COMPLETE: self->server_.api->StreamClose(stream); break;
      default: break;
    }
    return QUIC_STATUS_SUCCESS;
  }

  Server& server_;
  HQUIC stream_ = nullptr;
  NumberReader<2> announcement_;
  std::uint64_t count_ = 0;
  std::uint64_t interval_ = 0;
  std::uint64_t until_count_ = 0;
  std::uint64_t received_ = 0;
  std::size_t said_ = 0;
  std::array<std::uint64_t, 64> counts_{};
  std::array<QUIC_BUFFER, 64> buffers_{};
};

template <class Stream>
QUIC_STATUS QUIC_API on_bulk_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto& server = *static_cast<Server*>(context);
  if (event->Type == QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED) {
    server.api->SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&Stream::on_event),
                                   new Stream{server});
  } else if (event->Type == QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE) {
    server.api->ConnectionClose(connection);
  }
  return QUIC_STATUS_SUCCESS;
}

/// Also serves the job handshakes, which has no streams.
QUIC_STATUS QUIC_API on_request_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto& server = *static_cast<Server*>(context);
  if (event->Type == QUIC_CONNECTION_EVENT_PEER_STREAM_STARTED) {
    server.api->SetCallbackHandler(event->PEER_STREAM_STARTED.Stream, reinterpret_cast<void*>(&on_request), context);
  } else if (event->Type == QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE) {
    server.api->ConnectionClose(connection);
  }
  return QUIC_STATUS_SUCCESS;
}

QUIC_STATUS QUIC_API on_listener(HQUIC, void* context, QUIC_LISTENER_EVENT* event) {
  if (event->Type != QUIC_LISTENER_EVENT_NEW_CONNECTION) return QUIC_STATUS_SUCCESS;
  auto& server = *static_cast<Server*>(context);
  const QUIC_NEW_CONNECTION_INFO& info = *event->NEW_CONNECTION.Info;
  const std::string_view alpn(reinterpret_cast<const char*>(info.NegotiatedAlpn), info.NegotiatedAlpnLength);
  HQUIC connection = event->NEW_CONNECTION.Connection;
  const auto handle = [&](QUIC_CONNECTION_CALLBACK_HANDLER handler, void* with) {
    server.api->SetCallbackHandler(connection, reinterpret_cast<void*>(handler), with);
  };
  if (alpn == kBulkSend) {
    handle(on_bulk_connection<BulkIntake>, &server);
  } else if (alpn == kBulkReceive) {
    handle(on_bulk_connection<BulkOutlet>, &server);
  } else if (alpn == kDatagrams) {
    handle(DatagramIntake::on_connection, new DatagramIntake(server));
  } else {
    handle(on_request_connection, &server);
  }
  return server.api->ConnectionSetConfiguration(connection, server.configuration);
}

}  // namespace

void serve(MsQuicApi& api, const std::string& certificate, const std::string& key) {
  Server server{api, api.server_configuration(certificate, key)};
  HQUIC listener = nullptr;
  require(api->ListenerOpen(api.registration(), on_listener, &server, &listener), "ListenerOpen");
  QUIC_ADDR address{};
  QuicAddrSetFamily(&address, QUIC_ADDRESS_FAMILY_INET);
  QuicAddrFromString("127.0.0.1", 0, &address);
  std::array<QUIC_BUFFER, kAlpns.size()> alpns;
  for (std::size_t i = 0; i < kAlpns.size(); ++i) alpns[i] = as_buffer(kAlpns[i]);
  require(api->ListenerStart(listener, alpns.data(), static_cast<std::uint32_t>(alpns.size()), &address),
          "ListenerStart");
  std::uint32_t size = sizeof(address);
  require(api->GetParam(listener, QUIC_PARAM_LISTENER_LOCAL_ADDRESS, &size, &address), "the listener's address");
  std::printf("listening on port %u\n", unsigned{QuicAddrGetPort(&address)});
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("{\"cpu\": %.6f}\n", cpu_seconds());
    std::fflush(stdout);
  }
  api->ListenerClose(listener);
  api->ConfigurationClose(server.configuration);
  api.close_registration();  // `server` goes with this function, and connections that end refer to it
}

}  // namespace msquic_py::bench
