#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "transport/connection.h"
#include "transport/connection_handler.h"

namespace msquic_py::transport::local {

/// What both ends have agreed on, and what they admit each other.
struct Options {
  std::string protocol;  ///< see Capabilities::protocol
  std::uint64_t unidirectional_streams = 1'000'000;
  std::uint64_t bidirectional_streams = 1'000'000;
  std::size_t largest_datagram = 65'535;  ///< 0: no datagrams
  std::uint64_t window = 1024 * 1024;     ///< bytes that are worth having on their way; reported as congestion window
};

struct Ends {
  ConnectionHandle client;
  ConnectionHandle server;
};

/// A connection between two places of one process, each of which may have a thread of its own. Nothing is lost, late or
/// out of order, bytes are passed by reference, and what the reader does not take stays with the writer's end.
///
/// The carrier has no thread: events are delivered, one at a time for both ends, inside the calls on either of them.
/// Both ends are connected when this returns.
Ends connect(const Options& options, std::shared_ptr<ConnectionHandler> at_client,
             std::shared_ptr<ConnectionHandler> at_server);

}  // namespace msquic_py::transport::local
