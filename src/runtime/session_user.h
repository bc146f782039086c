#pragma once

#include <optional>

#include "base/shared_bytes.h"
#include "runtime/event_loop.h"
#include "transport/close_reason.h"

namespace msquic_py::runtime {

class SessionDriver;

/// Who uses a session: the relay, a publisher, the Python package. All calls come on the loop's thread.
class SessionUser {
 public:
  virtual ~SessionUser() = default;

  /// Takes the session's events with poll_event() until it says false. Returns whether there was any. The driver
  /// sends what the session then wants to send. Not called before the handshake is complete: there is no session yet.
  virtual bool on_events(SessionDriver& driver, EventLoop::Time now) = 0;
  /// When on_events() is to be called although the session has no event and no deadline of its own.
  [[nodiscard]] virtual std::optional<EventLoop::Time> next_deadline(const SessionDriver& driver) const;
  /// The connection is over, after the session's Closed event if it had begun. The driver is destroyed when this
  /// returns. `reason` says what the transport knows, for example why a connection could not be made; of a QUIC
  /// connection quic_end() tells more.
  virtual void on_finished(SessionDriver& driver, const transport::CloseReason& reason) = 0;
  /// Client: the server gave a ticket for Endpoint::DialOptions::ticket of a later connection.
  virtual void on_ticket(SessionDriver& driver, const base::SharedBytes& ticket);
};

inline std::optional<EventLoop::Time> SessionUser::next_deadline(const SessionDriver& /*driver*/) const {
  return std::nullopt;
}
inline void SessionUser::on_ticket(SessionDriver& /*driver*/, const base::SharedBytes& /*ticket*/) {}

}  // namespace msquic_py::runtime
