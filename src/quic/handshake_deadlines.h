#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "quic/intrusive_list.h"

namespace msquic_py::quic {

class ConnectionState;
class HandshakeDeadlines;

/// The time that one connection's handshake may take. Whoever owns it ends it by destroying it, before the connection
/// goes.
class HandshakeDeadline {
 public:
  HandshakeDeadline(std::shared_ptr<HandshakeDeadlines> owner, ConnectionState& connection);
  HandshakeDeadline(const HandshakeDeadline&) = delete;
  HandshakeDeadline& operator=(const HandshakeDeadline&) = delete;
  ~HandshakeDeadline();

  ListLinks<HandshakeDeadline>& links() noexcept { return links_; }

 private:
  friend class HandshakeDeadlines;

  const std::shared_ptr<HandshakeDeadlines> owner_;
  ConnectionState& connection_;
  const std::chrono::steady_clock::time_point due_;
  ListLinks<HandshakeDeadline> links_;  // guarded by the owner
};

/// Ends handshakes that take longer than allowed. MsQuic's own timer measures silence only, so a peer that keeps saying
/// something, or a decision about a certificate that does not come, would keep a connection half open for ever.
///
/// All handshakes of one listener may take equally long, so those that are under way stand in the order in which they
/// end, and one timer at a time waits for the first of them. It is not called off when that one succeeds: whatever the
/// number of handshakes, there is one wake-up in the time that one may take, and none after the last. Keeps no
/// connection, and lives as long as its listener or a handshake.
class HandshakeDeadlines : public std::enable_shared_from_this<HandshakeDeadlines> {
 public:
  explicit HandshakeDeadlines(std::chrono::milliseconds allowed) noexcept : allowed_(allowed) {}

  /// From now.
  std::unique_ptr<HandshakeDeadline> begin(ConnectionState& connection);

 private:
  friend class HandshakeDeadline;

  void wait(std::chrono::steady_clock::duration delay);
  void end_what_is_due() noexcept;

  const std::chrono::milliseconds allowed_;
  std::mutex mutex_;  // guards what follows; never held across a MsQuic call
  IntrusiveList<HandshakeDeadline> under_way_;
  bool waiting_ = false;
};

}  // namespace msquic_py::quic
