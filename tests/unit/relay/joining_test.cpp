// Joining a track and leaving it cost the same however many have joined it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "harness/relay_network.h"

namespace msquic_py::testing {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

/// The shortest time of several that a client takes to subscribe and to leave again, its session and the relay's
/// included; of the others nothing is touched.
Microseconds join_and_leave(std::size_t subscribers) {
  RelayNetwork network;
  RelayClient& source = network.connect();
  TestPublisher publisher(network, source);
  publisher.subscription = *source.session().publish(track_name());
  network.run();
  for (std::size_t i = 0; i < subscribers; ++i) {
    EXPECT_TRUE(network.connect().session().subscribe(track_name(), from_largest()).ok());
  }
  network.run();
  publisher.group(0, {"a"});
  RelayClient& visitor = network.connect();
  const auto settle = [&] {
    while (visitor.pair.run() || network.relay.on_events(visitor.number, network.now)) continue;
  };
  auto shortest = Clock::duration::max();
  for (int round = 0; round < 50; ++round) {
    const auto begin = Clock::now();
    for (int visit = 0; visit < 10; ++visit) {
      const auto request = visitor.session().subscribe(track_name(), from_largest());
      settle();
      EXPECT_TRUE(visitor.session().cancel(*request).ok());
      settle();
    }
    shortest = std::min(shortest, (Clock::now() - begin) / 10);
    visitor.pair.client.actions.clear();
    visitor.pair.server.actions.clear();
    visitor.pair.clear_events();
  }
  EXPECT_EQ(network.relay.counters().downstream_subscriptions, subscribers);
  return shortest;
}

TEST(Joining, CostsTheSameHoweverManyHaveJoined) {
  const Microseconds few = join_and_leave(10);
  const Microseconds many = join_and_leave(1000);
  std::cout << "join and leave at 10 subscribers: " << few.count() << " us, at 1000: " << many.count() << " us\n";
  EXPECT_LT(many, 3 * few);
}

}  // namespace
}  // namespace msquic_py::testing
