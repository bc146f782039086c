#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/connection.h"
#include "transport/connection_handler.h"
#include "unit/transport/recorder.h"

namespace msquic_py::transport::testing {

/// What the server admits, where a test cares.
struct ServerAdmits {
  std::uint32_t stream_window = 512 * 1024;  ///< a power of two
  std::uint32_t connection_window = 16 * 1024 * 1024;
  std::uint16_t unidirectional_streams = 100;
  std::uint16_t bidirectional_streams = 100;
  bool datagrams = true;
};

/// Both ends of a connection, with what they were told.
struct Ends {
  ConnectionHandle client;
  ConnectionHandle server;
  std::shared_ptr<Recorder> at_client;
  std::shared_ptr<Recorder> at_server;
};

/// A way of making connections that the conformance suite runs over.
class Carrier {
 public:
  Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  virtual ~Carrier() = default;

  /// A connection that both ends know to be there.
  virtual Ends connect(const ServerAdmits& admits) = 0;
  /// Lets things happen until `done`, which is asked now and then. False when its time is up.
  virtual bool run_until(const std::function<bool()>& done) = 0;
};

/// The names of those that the suite runs over.
std::vector<std::string> carriers();
std::unique_ptr<Carrier> make_carrier(const std::string& name);
std::unique_ptr<Carrier> make_quic_carrier();

}  // namespace msquic_py::transport::testing
