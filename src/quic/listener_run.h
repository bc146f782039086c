#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "quic/api.h"
#include "quic/port_claim.h"

namespace msquic_py::quic {

class ListenerState;
class RegistrationState;

/// One start of a listener, shared with the connections that it accepted. As long as there is one of them the port
/// stays open in this process, and MsQuic would drop what a new client sends to it without a word. So a listener that
/// was stopped stays in MsQuic and refuses, until the last of them is over or the port is wanted anew.
class ListenerRun {
 public:
  ListenerRun(const RegistrationState& registration, std::shared_ptr<PortClaim> port);
  ListenerRun(const ListenerRun&) = delete;
  ListenerRun& operator=(const ListenerRun&) = delete;
  ~ListenerRun();

  /// It listens on `port`.
  void started(std::uint16_t port);
  /// `handle` of `listener`, whose run this was, refuses from now on, in the care of this run when connections of it
  /// are `left`, or of another one on the port. False when nothing keeps the port open: the handle is to be closed.
  [[nodiscard]] bool refuse(ListenerState& listener, HQUIC handle, bool left);

  /// Before another listener starts on `port`: those that only refuse give way.
  static void make_way(const PortClaim& port) noexcept;

 private:
  /// Not one of another registration, which a handle of this one would keep open. Null when there is none.
  [[nodiscard]] ListenerRun* another_on_the_port() const noexcept;

  using Refusing = std::vector<std::pair<ListenerState*, HQUIC>>;  // each kept by its open handle

  const RegistrationState& registration_;
  std::shared_ptr<PortClaim> port_;
  Refusing refusing_;
};

}  // namespace msquic_py::quic
