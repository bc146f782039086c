// bare_fanout: stands where a relay would, and sends with MsQuic alone. relay_fanout starts it.

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "bare_server.h"
#include "quic/development_certificate.h"

namespace {

void say(std::uint64_t number) {
  std::printf("%llu\n", static_cast<unsigned long long>(number));
  std::fflush(stdout);
}

/// A folder for the certificate; the servers of two measurements at once have one each.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bare-fanout-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends what a relay would send, with MsQuic alone; commands on standard input: start, sent, stop",
               "bare_fanout");
  msquic_py::bench::FanoutShape shape;
  app.add_option("--rate", shape.rate, "Objects per second")->check(CLI::Range(1.0, 1e6))->capture_default_str();
  app.add_option("--payload", shape.payload_size, "Bytes per object")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  app.add_option("--group", shape.objects_per_group, "Objects per group, which is one stream per subscriber")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--datagrams", shape.datagrams, "Each object a datagram");
  app.add_flag("--forward", shape.forward, "The first connection is a publisher, whose bytes are forwarded");
  CLI11_PARSE(app, argc, argv);
  try {
    auto folder = std::make_unique<TemporaryFolder>();
    const auto certificate = msquic_py::quic::DevelopmentCertificate::create(folder->path);
    if (!certificate) throw std::runtime_error(certificate.error().message);
    msquic_py::bench::BareServer server(shape, certificate.value().certificate_file.string(),
                                        certificate.value().private_key_file.string());
    folder.reset();  // MsQuic has read it
    std::printf("development certificate SHA-256 %s\nlistening on port %u\n",
                certificate.value().sha256_fingerprint.c_str(), unsigned{server.port()});
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {  // to the end of standard input
      if (line == "start") server.start();
      if (line == "stop") server.stop();
      say(server.sent());
    }
  } catch (const std::exception& failure) {
    std::cerr << "bare_fanout: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
