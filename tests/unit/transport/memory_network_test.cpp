#include <gtest/gtest.h>

#include <string>

#include "transport/memory/network.h"
#include "unit/transport/recorder.h"

// What the connections in memory do beyond what every carrier does.
namespace msquic_py::transport::testing {
namespace {

using namespace std::chrono_literals;

class MemoryNetwork : public ::testing::Test {
 protected:
  ~MemoryNetwork() override { let_go(); }
  void connect(const memory::LinkOptions& options, std::uint64_t seed = 1) {
    let_go();
    network = std::make_unique<memory::Network>(seed);
    client = std::make_shared<Recorder>();
    server = std::make_shared<Recorder>();
    joined = network->connect(options, client, server);
  }
  void let_go() {
    for (const auto& each : {client, server}) {
      if (each) each->let_go();
    }
    joined = {};
  }
  void run_out() {
    for (int step = 0; network->step(); ++step) ASSERT_LT(step, 1'000'000);
  }
  static base::SharedBytes bytes(const std::string& text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }

  // The connections go before the network.
  std::unique_ptr<memory::Network> network;
  std::shared_ptr<Recorder> client;
  std::shared_ptr<Recorder> server;
  memory::Network::Joined joined;
};

TEST_F(MemoryNetwork, BringsEverythingOverAPathThatLosesAndReorders) {
  memory::LinkOptions options;
  options.to_server = options.to_client = {.latency = 20ms, .jitter = 30ms, .loss_per_million = 200'000};
  options.server.stream_window = 5'000;
  options.server.connection_window = 8'000;
  connect(options);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i);
  std::vector<StreamHandle> streams;
  for (StreamKey key = 0; key < 3; ++key) {
    streams.push_back(joined.client->open_stream(Direction::Unidirectional, key).value());
    const auto slice = bytes(text);
    ASSERT_TRUE(streams.back()->send({&slice, 1}, true, key).ok());
  }
  run_out();
  ASSERT_EQ(server->peer_streams, 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(server->peer_stream(i).fin);
    EXPECT_EQ(server->peer_stream(i).received, text);
    EXPECT_EQ(client->streams[i].closed, 1);
  }
  EXPECT_EQ(client->report.posted_bytes, 0u);
  EXPECT_EQ(client->report.bytes_in_flight, 0u);
}

TEST_F(MemoryNetwork, DoesTheSameAgainWithTheSameSeed) {
  const auto arrivals = [&](std::uint64_t seed) {
    memory::LinkOptions options;
    options.to_server = {.latency = 20ms, .jitter = 30ms, .loss_per_million = 100'000};
    connect(options, seed);
    std::vector<StreamHandle> streams;
    for (StreamKey key = 0; key < 10; ++key) {
      streams.push_back(joined.client->open_stream(Direction::Unidirectional, key).value());
      const auto slice = bytes(std::string(10'000, 'x'));
      EXPECT_TRUE(streams.back()->send({&slice, 1}, true, key).ok());
    }
    run_out();
    return server->arrivals;
  };
  const auto first = arrivals(5);
  EXPECT_EQ(arrivals(5), first);
  EXPECT_NE(arrivals(6), first);
}

TEST_F(MemoryNetwork, LosesDatagramsButNotStreams) {
  memory::LinkOptions options;
  options.to_server.loss_per_million = 500'000;
  connect(options);
  while (!server->capabilities && network->step()) {
  }
  for (std::uint64_t token = 1; token <= 50; ++token) {
    const auto slice = bytes("x");
    ASSERT_TRUE(joined.client->send_datagram({&slice, 1}, token).ok());
  }
  run_out();
  EXPECT_EQ(client->datagrams_sent.size(), 50u) << "each is told of once";
  EXPECT_GT(server->datagrams.size(), 5u);
  EXPECT_LT(server->datagrams.size(), 45u);
}

TEST_F(MemoryNetwork, NoticesACutAfterTheIdleTimeout) {
  connect({});
  while (!server->capabilities && network->step()) {
  }
  const auto at = network->now();
  joined.link->cut();
  run_out();
  ASSERT_TRUE(client->closed && server->closed);
  EXPECT_EQ(client->closed->cause, CloseReason::Cause::Transport);
  EXPECT_EQ(server->closed->cause, CloseReason::Cause::Transport);
  EXPECT_EQ(network->now() - at, 15s);
}

TEST_F(MemoryNetwork, TellsOfANarrowerPath) {
  connect({});
  while (!server->capabilities && network->step()) {
  }
  EXPECT_EQ(client->datagram_size, 1200u);
  joined.link->set_datagram_size(500);
  run_out();
  EXPECT_EQ(client->datagram_size, 500u);
  EXPECT_EQ(joined.client->max_datagram_size(), 500u);
}

TEST_F(MemoryNetwork, TakesTimeForBytesWhereThePathIsNarrow) {
  memory::LinkOptions options;
  options.to_server.bytes_per_second = 100'000;
  connect(options);
  const auto slice = bytes(std::string(100'000, 'x'));
  auto stream = joined.client->open_stream(Direction::Unidirectional, 1).value();
  const auto begin = network->now();
  ASSERT_TRUE(stream->send({&slice, 1}, true, 1).ok());
  run_out();
  EXPECT_TRUE(server->peer_stream().fin);
  EXPECT_GE(network->now() - begin, 1s);
  EXPECT_LE(network->now() - begin, 2s);
}

TEST_F(MemoryNetwork, WaitsWithStreamsWhileTheConnectionsWindowIsFull) {
  memory::LinkOptions options;
  options.server.connection_window = 10'000;
  connect(options);
  server->takes = 0;
  const auto slice = bytes(std::string(30'000, 'x'));
  auto first = joined.client->open_stream(Direction::Unidirectional, 1).value();
  ASSERT_TRUE(first->send({&slice, 1}, true, 1).ok());
  run_out();
  auto second = joined.client->open_stream(Direction::Unidirectional, 2).value();
  ASSERT_TRUE(second->send({&slice, 1}, true, 1).ok());
  run_out();
  EXPECT_EQ(server->peer_streams, 1u) << "no credit is left for the second";
  server->takes = 100'000;
  server->peer_stream().handle->resume_receive();
  run_out();
  ASSERT_EQ(server->peer_streams, 2u);
  EXPECT_TRUE(server->peer_stream(0).fin);
  EXPECT_TRUE(server->peer_stream(1).fin);
}

}  // namespace
}  // namespace msquic_py::transport::testing
