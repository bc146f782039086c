#pragma once

#include <string>

namespace msquic_py::transport {

/// What a carrier can do and what its handshake agreed on. Known at ConnectionHandler::on_connected(), not before.
struct Capabilities {
  /// What the endpoints agreed to speak: the ALPN token of QUIC, the subprotocol of WebTransport.
  std::string protocol;
  /// The path that the client asked for, where the carrier has one (WebTransport); empty on QUIC.
  std::string path;
  bool resumed = false;     ///< the handshake took up an earlier session
  bool priorities = false;  ///< Stream::set_priority() orders what is sent
  bool datagrams = false;   ///< Connection::send_datagram() can succeed
  /// A reset can promise that the first bytes of the stream arrive all the same.
  bool reliable_resets = false;
  bool reports = false;  ///< ConnectionHandler::on_report() is called when it is asked for
};

}  // namespace msquic_py::transport
