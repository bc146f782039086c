#include "unit/transport/carrier.h"

#include "transport/local/connect.h"
#include "transport/memory/network.h"

namespace msquic_py::transport::testing {
namespace {

class MemoryCarrier final : public Carrier {
 public:
  Ends connect(const ServerAdmits& admits) override {
    Ends ends;
    ends.at_client = std::make_shared<Recorder>();
    ends.at_server = std::make_shared<Recorder>();
    memory::LinkOptions options;
    options.server.stream_window = admits.stream_window;
    options.server.connection_window = admits.connection_window;
    options.server.unidirectional_streams = admits.unidirectional_streams;
    options.server.bidirectional_streams = admits.bidirectional_streams;
    if (!admits.datagrams) options.server.datagram_size = 0;
    auto joined = network_.connect(options, ends.at_client, ends.at_server);
    ends.client = std::move(joined.client);
    ends.server = std::move(joined.server);
    run_until([&] { return ends.at_client->capabilities && ends.at_server->capabilities; });
    return ends;
  }
  bool run_until(const std::function<bool()>& done) override {
    for (int step = 0; step < 1'000'000; ++step) {
      if (done()) return true;
      if (!network_.step()) return false;
    }
    return false;
  }

 private:
  memory::Network network_{1};
};

/// Everything happens inside the calls.
class LocalCarrier final : public Carrier {
 public:
  Ends connect(const ServerAdmits& admits) override {
    Ends ends;
    ends.at_client = std::make_shared<Recorder>();
    ends.at_server = std::make_shared<Recorder>();
    local::Options options;
    options.protocol = "moqt-15";
    options.unidirectional_streams = admits.unidirectional_streams;
    options.bidirectional_streams = admits.bidirectional_streams;
    if (!admits.datagrams) options.largest_datagram = 0;
    auto joined = local::connect(options, ends.at_client, ends.at_server);
    ends.client = std::move(joined.client);
    ends.server = std::move(joined.server);
    return ends;
  }
  bool run_until(const std::function<bool()>& done) override { return done(); }
};

}  // namespace

std::vector<std::string> carriers() { return {"Local", "Memory", "Quic"}; }

std::unique_ptr<Carrier> make_carrier(const std::string& name) {
  if (name == "Local") return std::make_unique<LocalCarrier>();
  if (name == "Memory") return std::make_unique<MemoryCarrier>();
  if (name == "Quic") return make_quic_carrier();
  return nullptr;
}

}  // namespace msquic_py::transport::testing
