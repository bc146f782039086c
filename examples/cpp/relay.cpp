// A relay inside of a program: it runs on a thread of its own until SIGINT or SIGTERM, then its clients may leave.
// usage: cpp-relay PORT CERT_FILE KEY_FILE

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "runtime/relay_server.h"
#include "runtime/shutdown_signal.h"

namespace quic = msquic_py::quic;
namespace relay = msquic_py::relay;
namespace runtime = msquic_py::runtime;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: cpp-relay PORT CERT_FILE KEY_FILE\n";
    return 2;
  }
  runtime::EventLoop loop;
  relay::RelayLimits limits;
  limits.max_tracks = 1000;
  runtime::RelayServer server(loop, limits);
  // Before any other thread, because threads inherit which signals they leave to it.
  runtime::ShutdownSignal signal(
      [&] { loop.post([&] { server.drain(std::chrono::seconds(5), {}, [&] { loop.stop(); }); }); });

  runtime::Endpoint::ListenOptions listen;
  listen.host = "127.0.0.1";
  listen.port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
  listen.credentials = quic::Credentials::server(argv[2], argv[3]);
  auto ready = server.open("cpp-relay");
  if (ready) ready = server.listen(std::move(listen));
  if (!ready) return std::cerr << ready.error().message << '\n', 1;
  std::cout << "listening on port " << server.port() << std::endl;

  std::thread relaying([&] { loop.run(); });  // everything of the relay happens on this thread
  // ... and here the program does what it is for.
  relaying.join();
  std::cout << "delivered " << server.counters().objects_delivered << " objects\n";
}
