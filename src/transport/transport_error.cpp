#include "transport/transport_error.h"

namespace msquic_py::transport {

std::string_view describe(TransportError error) noexcept {
  switch (error) {
    case TransportError::ConnectionClosing: return "the connection is closing: its close reason says why";
    case TransportError::StreamEnded: return "the stream has ended: it was finished, reset or stopped before";
    case TransportError::DatagramTooLarge: return "the datagram is larger than max_datagram_size()";
    case TransportError::DatagramsUnavailable: return "the peer or the path takes no datagrams: use streams";
    case TransportError::OutOfMemory: return "memory ran out";
    case TransportError::CarrierFailed: return "the carrier failed";
  }
  return "unknown error";
}

}  // namespace msquic_py::transport
