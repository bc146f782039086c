// Joining a track and leaving it concern nobody else who has joined it. What it costs at 10 and at 1000 subscribers is
// in bench/relay_engine.
#include <gtest/gtest.h>

#include <vector>

#include "harness/relay_network.h"

namespace msquic_py::testing {
namespace {

TEST(Joining, GivesNobodyElseATurn) {
  RelayNetwork network;
  RelayClient& source = network.connect();
  TestPublisher publisher(network, source);
  publisher.subscription = *source.session().publish(track_name());
  network.run();
  std::vector<RelayClient*> others{&source};
  for (int i = 0; i < 200; ++i) {
    others.push_back(&network.connect());
    EXPECT_TRUE(others.back()->session().subscribe(track_name(), from_largest()).ok());
  }
  network.run();
  publisher.group(0, {"a"});
  RelayClient& visitor = network.connect();
  const auto settle = [&] {
    while (visitor.pair.run() || network.relay.on_events(visitor.number, network.now)) continue;
  };
  std::vector<int> before;
  for (const RelayClient* each : others) before.push_back(each->made_ready);
  for (int visit = 0; visit < 10; ++visit) {
    const auto request = visitor.session().subscribe(track_name(), from_largest());
    settle();
    EXPECT_EQ(network.relay.counters().downstream_subscriptions, 201u);
    EXPECT_TRUE(visitor.session().cancel(*request).ok());
    settle();
  }
  EXPECT_EQ(network.relay.counters().downstream_subscriptions, 200u);
  for (std::size_t i = 0; i < others.size(); ++i) EXPECT_EQ(others[i]->made_ready, before[i]) << i;
}

}  // namespace
}  // namespace msquic_py::testing
