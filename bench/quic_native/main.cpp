// quic_native: the jobs of bench/quic_native/protocol.h through MsQuic's own C API.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "client.h"
#include "msquic_api.h"
#include "server.h"

int main(int argc, char** argv) {
  CLI::App app("Plain MsQuic on loopback: the reference of the QUIC benchmarks", "quic_native");
  app.require_subcommand(1);
  QUIC_EXECUTION_PROFILE profile = QUIC_EXECUTION_PROFILE_LOW_LATENCY;
  const std::map<std::string, QUIC_EXECUTION_PROFILE> profiles{
      {"low-latency", QUIC_EXECUTION_PROFILE_LOW_LATENCY},
      {"max-throughput", QUIC_EXECUTION_PROFILE_TYPE_MAX_THROUGHPUT}};
  std::string certificate;
  std::string key;
  std::uint16_t port = 0;
  CLI::App* server = app.add_subcommand("server", "Serve until standard input ends; each line of it asks for CPU time");
  server->add_option("--profile", profile, "low-latency or max-throughput")
      ->transform(CLI::CheckedTransformer(profiles));
  server->add_option("--cert", certificate, "PEM")->required()->check(CLI::ExistingFile);
  server->add_option("--key", key, "PEM")->required()->check(CLI::ExistingFile);
  CLI::App* client = app.add_subcommand(
      "client",
      "Run the jobs on standard input, a line each: bulk-send BYTES, bulk-receive BYTES, datagrams COUNT WINDOW, "
      "requests COUNT PARALLEL, handshakes COUNT PARALLEL, hold COUNT PARALLEL");
  client->add_option("--profile", profile, "low-latency or max-throughput")
      ->transform(CLI::CheckedTransformer(profiles));
  client->add_option("--port", port, "UDP port at 127.0.0.1")->required();
  CLI11_PARSE(app, argc, argv);

  try {
    msquic_py::bench::MsQuicApi api(profile);
    if (server->parsed()) {
      msquic_py::bench::serve(api, certificate, key);
    } else {
      msquic_py::bench::run_commands(api, port, std::cin);
    }
  } catch (const std::exception& failure) {
    msquic_py::bench::give_up(failure.what());
  }
  return 0;
}
