#pragma once

#include <cstdint>

#include "base/shared_bytes.h"
#include "transport/stream.h"

namespace msquic_py::runtime {

/// Something that happened on a connection, on its way from the carrier's thread to the event loop.
struct TransportEvent {
  enum class Kind : std::uint8_t {
    Connected,  ///< `id`: the Draft agreed on, 0 for none known; `code`: 1 when an earlier session was resumed
    ControlStreamOpened,  ///< the peer's first bidirectional stream: `opened`
    ControlData,          ///< `bytes`
    ControlClosed,        ///< finished, reset or stopped by the peer
    ControlSent,          ///< the transport no longer needs `code` bytes, of a request's stream too
    BidiStreamOpened,     ///< a further bidirectional stream where requests have none; refused already
    RequestOpened,        ///< the peer's stream for a request: `id` is a RequestStreamId, `opened`
    RequestData,          ///< `id` is a RequestStreamId; `bytes`, `fin`
    RequestReset,         ///< `id` is a RequestStreamId, `code`
    RequestStopped,       ///< `id` is a RequestStreamId: STOP_SENDING with `code`
    RequestClosed,        ///< `id` is a RequestStreamId
    StreamsAdmitted,      ///< the peer admits `code` more bidirectional streams
    UniStreamOpened,      ///< `id`, `opened`
    UniStreamData,        ///< `id`, `bytes`, `fin`
    UniStreamReset,       ///< `id`, `code`
    UniStreamClosed,      ///< `id`
    ReceivePaused,        ///< `id`; TransportInbox::kControlStream for the control stream
    RequestPaused,        ///< `id` is a RequestStreamId: as ReceivePaused
    StreamSent,           ///< `id` is a StreamHandle: the transport no longer needs `code` bytes
    StreamStopped,        ///< `id` is a StreamHandle: STOP_SENDING with `code`
    StreamClosed,         ///< `id` is a StreamHandle
    Datagram,             ///< `bytes`
    DatagramMaxSize,      ///< `code`
    DatagramSent,         ///< datagrams of `code` bytes have left or were dropped
    Aside,                ///< see TransportInbox::push_aside()
    Closed,               ///< the last event; see TransportInbox::close_reason()
  };

  Kind kind = Kind::Connected;
  bool fin = false;
  std::uint64_t id = 0;
  std::uint64_t code = 0;
  base::SharedBytes bytes{};
  transport::StreamHandle opened{};
};

}  // namespace msquic_py::runtime
