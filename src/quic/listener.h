#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "quic/address.h"
#include "quic/configuration.h"
#include "quic/connection.h"
#include "quic/reference.h"
#include "quic/registration.h"
#include "quic/server_configurations.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// A client that wants to connect. The views are valid only during on_new_connection().
struct NewConnection {
  Connection connection;
  Address local_address;
  Address remote_address;
  std::string_view server_name;  ///< SNI, empty when the client sent none
  std::string_view negotiated_alpn;
  std::uint32_t quic_version = 0;
};

/// How a connection is accepted: by whom its events are handled, and with which configuration. Without one, and unless
/// Connection::set_configuration() was called already, Listener::set_configurations() decides by the server name.
struct AcceptedConnection {
  std::shared_ptr<ConnectionHandler> handler;
  Configuration configuration;
};

/// Decides about new connections. Runs on MsQuic's threads, several at a time.
class ListenerHandler {
 public:
  virtual ~ListenerHandler() = default;
  /// Nothing refuses the client (CONNECTION_REFUSED on the wire, whatever the reason).
  virtual std::optional<AcceptedConnection> on_new_connection(const NewConnection& connection) noexcept = 0;
  /// No more on_new_connection() calls begin. May be called inside Listener::stop().
  virtual void on_stopped() noexcept {}
};

struct ListenOptions {
  Address address;  ///< port 0 chooses a free one. A specific IP is only a filter: the socket is a wildcard one
  /// How long a handshake may take, from the client's first packet until it is complete, decisions about certificates
  /// included. Then the connection ends with HandshakeTimeout. 0: for ever, as long as the client keeps saying
  /// something (see Settings::handshake_idle_timeout_ms).
  std::chrono::milliseconds handshake_timeout{10'000};
};

/// A listener's counters, since it was started.
struct ListenerStatistics {
  std::uint64_t accepted_connections = 0;
  std::uint64_t rejected_connections = 0;  ///< by MsQuic or by the handler
  std::uint64_t dropped_packets = 0;       ///< by the socket, which listeners of the port share
};

/// Accepts connections. Copies share it. When the last copy goes, it stops; accepted connections live on.
class Listener {
 public:
  /// An empty handle: every use fails with ClosedHandle.
  Listener() noexcept = default;
  static Result<Listener> open(const Registration& registration, std::shared_ptr<ListenerHandler> handler);

  /// Starts listening; also again after stop(). AddressInUse when another socket has the port, AlpnInUse when a
  /// listener of this process has one of the ALPNs there.
  Result<void> start(std::span<const std::string> alpns, const ListenOptions& options);
  /// Accepts no more. Accepted connections live on, and as long as they do, new clients are refused at once
  /// (CONNECTION_REFUSED) unless another listener is started there. Does not wait for on_new_connection() calls under
  /// way.
  Result<void> stop() noexcept;
  /// Stops, and waits until no handler call is under way and the handle is closed. Never call it inside a handler.
  Result<void> close(std::chrono::milliseconds timeout);
  /// The configurations for connections to which the handler gives none. At any time: replacing them changes what new
  /// clients get, a renewed certificate for example, and leaves accepted connections alone.
  Result<void> set_configurations(ServerConfigurations configurations);
  /// The address it listens on, with the real port; unspecified while stopped.
  [[nodiscard]] Address local_address() const;

  /// Does not block. InvalidState while stopped.
  [[nodiscard]] Result<ListenerStatistics> statistics() const;

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] ListenerState* state() const noexcept { return state_.get(); }

 private:
  UserReference<ListenerState> state_;
};

}  // namespace msquic_py::quic
