#pragma once

#include <cstdint>
#include <string>

namespace msquic_py::transport {

/// Why a connection ended. The first cause counts; what follows from it does not change it.
struct CloseReason {
  enum class Cause : std::uint8_t {
    None,              ///< still open, or closed before it was started
    LocalApplication,  ///< Connection::close(), or the connection's handle went away
    PeerApplication,   ///< the peer's application closed with `code`
    Transport,         ///< the carrier itself, its handshake or a timer; see `carrier_status`
  };
  Cause cause = Cause::None;
  bool remote = false;     ///< the peer began it
  std::uint64_t code = 0;  ///< the application's code, or for Transport what went over the wire, if anything did
  std::string reason;      ///< the reason phrase of who closed
  std::string message;     ///< for people
  bool handshake_completed = false;
  /// Of Transport: what the carrier calls it; for QUIC a quic::Status.
  std::uint32_t carrier_status = 0;
};

}  // namespace msquic_py::transport
