#pragma once

#include <cstdint>
#include <string>

#include "base/shared_bytes.h"
#include "quic/connection_handler.h"
#include "quic/stream.h"

namespace msquic_py::runtime {

/// Something that happened on a connection, on its way from MsQuic's thread to the event loop.
struct TransportEvent {
  enum class Kind : std::uint8_t {
    Connected,            ///< `code`: 1 when an earlier session was resumed
    ControlStreamOpened,  ///< the peer's first bidirectional stream: `opened`
    ControlData,          ///< `bytes`
    ControlClosed,        ///< finished, reset or stopped by the peer
    ControlSent,          ///< the transport no longer needs `code` bytes
    BidiStreamOpened,     ///< a further bidirectional stream, refused already
    UniStreamOpened,      ///< `id`, `opened`
    UniStreamData,        ///< `id`, `bytes`, `fin`
    UniStreamReset,       ///< `id`, `code`
    UniStreamClosed,      ///< `id`
    ReceivePaused,        ///< `id`; kControlStream for the control stream
    StreamSent,           ///< `id` is a StreamHandle: the transport no longer needs `code` bytes
    StreamStopped,        ///< `id` is a StreamHandle: STOP_SENDING with `code`
    StreamClosed,         ///< `id` is a StreamHandle
    Datagram,             ///< `bytes`
    DatagramMaxSize,      ///< `code`
    CertificateShown,     ///< the handshake waits; see TransportInbox::take_certificate()
    TicketReceived,       ///< `bytes`
    DatagramSent,         ///< datagrams of `code` bytes have left or were dropped
    ShutdownComplete,     ///< the last event; see TransportInbox::close_reason()
  };
  static constexpr std::uint64_t kControlStream = ~std::uint64_t{0};

  Kind kind = Kind::Connected;
  bool fin = false;
  std::uint64_t id = 0;
  std::uint64_t code = 0;
  base::SharedBytes bytes{};
  quic::Stream opened{};
};

}  // namespace msquic_py::runtime
