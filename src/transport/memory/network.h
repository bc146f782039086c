#pragma once

#include <cstdint>
#include <memory>

#include "transport/connection.h"
#include "transport/connection_handler.h"
#include "transport/memory/link.h"
#include "transport/memory/link_options.h"
#include "transport/memory/random.h"
#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

/// Connections in memory, in virtual time: everything that happens follows from the seed and from what is asked.
/// Outlives its connections.
class Network {
 public:
  explicit Network(std::uint64_t seed) noexcept : random_(seed) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  struct Joined {
    ConnectionHandle client;
    ConnectionHandle server;
    std::shared_ptr<Link> link;
  };
  /// A connection whose handshake has begun: the client is connected after one round trip, the server half a round trip
  /// later.
  Joined connect(const LinkOptions& options, std::shared_ptr<ConnectionHandler> client,
                 std::shared_ptr<ConnectionHandler> server);

  [[nodiscard]] Timeline& timeline() noexcept { return timeline_; }
  [[nodiscard]] Time now() const noexcept { return timeline_.now(); }
  /// Does what comes next, and moves the time on to it. False when nothing is left to happen.
  bool step() { return timeline_.step(); }

 private:
  Timeline timeline_;
  Random random_;
};

}  // namespace msquic_py::transport::memory
