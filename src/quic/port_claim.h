#pragma once

#include <cstdint>
#include <memory>

#include "quic/address.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// While one exists for a port, this process has the port open in MsQuic: a listener, or a connection accepted by
/// one, holds it.
class PortClaim {
 public:
  explicit PortClaim(std::uint16_t port) noexcept : port_(port) {}
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Fails with AddressInUse when another socket has `port`, with AddressNotAvailable when this program may not have
  /// it. MsQuic shares ports between processes and would split the traffic at random without saying so. A port that
  /// this process has open already is fine.
  static Result<void> probe(std::uint16_t port);
  /// Fails with AddressNotAvailable when no interface of this machine has `address`, or the machine has not its family.
  static Result<void> probe_address(const Address& address);
  /// The claim on a port that nobody has, or nothing when there is none to be had. MsQuic's sockets may share ports, so
  /// one that the system chooses for them can be one that another process of the same user listens on.
  static std::shared_ptr<PortClaim> take_free();
  /// The claim on `port`, new or shared.
  static std::shared_ptr<PortClaim> take(std::uint16_t port);

 private:
  std::uint16_t port_;
};

}  // namespace msquic_py::quic
