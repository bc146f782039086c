#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/shared_bytes.h"
#include "transport/stream.h"
#include "transport/transport_error.h"

namespace msquic_py::transport {

/// A handle to a connection of a carrier. Methods are thread-safe and never block. When the handle goes, the connection
/// is closed with code 0.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  [[nodiscard]] virtual bool is_server() const noexcept = 0;

  /// A stream of this side, of which the peer hears with the first send or reset. Beyond the number of streams that the
  /// peer admits it waits until one of them ends. ConnectionClosing once a close began.
  virtual Result<StreamHandle> open_stream(Direction direction, StreamKey key) noexcept = 0;

  /// Sends one unreliable datagram, or lets it wait when the path takes no more now. on_datagram_sent(token) follows
  /// once for every one that was taken. DatagramTooLarge and DatagramsUnavailable name the two usual failures.
  virtual Result<void> send_datagram(std::span<const base::SharedBytes> slices, std::uint64_t token) noexcept = 0;
  /// The largest datagram that can be sent now; 0 when none can.
  [[nodiscard]] virtual std::size_t max_datagram_size() const noexcept = 0;

  /// The longest reason phrase that close() carries, in bytes.
  [[nodiscard]] virtual std::size_t longest_reason() const noexcept = 0;
  /// Closes with the application's `code` and a reason of at most longest_reason() bytes. Only the first call counts.
  virtual void close(std::uint64_t code, std::string_view reason) noexcept = 0;
};

using ConnectionHandle = std::unique_ptr<Connection>;

}  // namespace msquic_py::transport
