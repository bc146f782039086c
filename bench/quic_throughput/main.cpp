// quic_throughput: one stream, as many bytes per second as it takes, through MsQuic's own C API.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "bulk_client.h"
#include "bulk_server.h"

int main(int argc, char** argv) {
  CLI::App app("Single-stream throughput of plain MsQuic on loopback", "quic_throughput");
  app.require_subcommand(1);
  QUIC_EXECUTION_PROFILE profile = QUIC_EXECUTION_PROFILE_LOW_LATENCY;
  const std::map<std::string, QUIC_EXECUTION_PROFILE> profiles{
      {"low-latency", QUIC_EXECUTION_PROFILE_LOW_LATENCY},
      {"max-throughput", QUIC_EXECUTION_PROFILE_TYPE_MAX_THROUGHPUT}};
  std::string certificate;
  std::string key;
  std::uint16_t port = 0;
  std::uint64_t bytes = 256 * 1024 * 1024;
  CLI::App* server = app.add_subcommand("server", "Serve until standard input ends");
  server->add_option("--profile", profile, "low-latency or max-throughput")
      ->transform(CLI::CheckedTransformer(profiles));
  server->add_option("--cert", certificate, "PEM")->required()->check(CLI::ExistingFile);
  server->add_option("--key", key, "PEM")->required()->check(CLI::ExistingFile);
  CLI::App* client = app.add_subcommand("client", "Send and print the seconds it took");
  client->add_option("--profile", profile, "low-latency or max-throughput")
      ->transform(CLI::CheckedTransformer(profiles));
  client->add_option("--port", port, "UDP port at 127.0.0.1")->required();
  client->add_option("--bytes", bytes, "How many to send")->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  try {
    const msquic_py::bench::MsQuicApi api(profile);
    if (server->parsed()) {
      msquic_py::bench::serve_bulk(api, certificate, key);
    } else {
      std::printf("%.6f\n", msquic_py::bench::send_bulk(api, port, bytes));
    }
  } catch (const std::exception& failure) {
    std::cerr << "quic_throughput: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
