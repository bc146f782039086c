// A subscriber that does not keep up: bounded, and nobody else's problem.

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using Lines = std::vector<std::string>;

constexpr std::size_t kLimit = 200;

RelayLimits small_queues() {
  RelayLimits limits;
  limits.max_queued_bytes_per_subscription = kLimit;
  limits.max_consecutive_skips = 3;
  return limits;
}

ms::SessionConfig small_window() {
  ms::SessionConfig config;
  config.send_window = 64;
  config.limits.max_queued_datagrams = 4;
  return config;
}

class SlowSubscriberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    publisher_.announce();
    for (RelayClient* client : {&slow_, &fast_}) {
      auto request = client->session().subscribe(track_name());
      ASSERT_TRUE(request.ok());
      network_.run();
      if (client == &slow_) publisher_.accept();
    }
    stall(true);
  }
  /// The transport of the slow one takes a window's worth and gives nothing back.
  void stall(bool stalled) { slow_.pair.server.acknowledge = !stalled; }
  /// The transport lets go of what it had.
  void catch_up() {
    stall(false);
    ms::Session& session = slow_.pair.server.session;
    std::map<std::uint64_t, std::size_t> unacknowledged;
    for (const auto& send : slow_.pair.server.done<ms::SendStream>())
      unacknowledged[send.stream.value] += send.slices.bytes();
    for (const auto& [stream, bytes] : unacknowledged) session.on_stream_bytes_sent({stream}, bytes);
    network_.run();
  }
  /// Eight objects of 50 bytes.
  void big_group(std::uint64_t group) { publisher_.group(group, std::vector<std::string>(8, std::string(50, 'x'))); }

  RelayNetwork network_{small_queues()};
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& slow_ = network_.connect({}, small_window());
  RelayClient& fast_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

TEST_F(SlowSubscriberTest, SkipsToTheNextGroup) {
  big_group(0);
  EXPECT_EQ(network_.relay.counters().groups_skipped, 1u);
  catch_up();
  publisher_.group(1, {"a", "b"});
  const auto received = objects(slow_);
  EXPECT_LT(received.size(), 10u);
  ASSERT_GE(received.size(), 2u);
  EXPECT_EQ(Lines(received.end() - 2, received.end()), (Lines{"1/0 a", "1/1 b"}));
  EXPECT_EQ(slow_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(SlowSubscriberTest, IsNotNoticedByTheOthers) {
  for (std::uint64_t group = 0; group < 10; ++group) big_group(group);
  EXPECT_EQ(objects(fast_).size(), 80u);
  for (const auto& end : fast_.all<ms::SubgroupEnded>()) EXPECT_TRUE(end.finished);
}

TEST_F(SlowSubscriberTest, IsEndedWhenItNeverCatchesUp) {
  for (std::uint64_t group = 0; group < 10; ++group) big_group(group);
  network_.advance(std::chrono::seconds(5));
  EXPECT_EQ(slow_.only<ms::SubscriptionDone>().code, 0x6u);  // TOO_FAR_BEHIND
  EXPECT_EQ(network_.relay.counters().subscribers_too_far_behind, 1u);
  EXPECT_EQ(network_.relay.counters().downstream_subscriptions, 1u);
}

TEST_F(SlowSubscriberTest, IsEndedWithGroupNumbersThatLeap) {
  for (std::uint64_t group = 0; group < 10; ++group) big_group(1000 * group);
  network_.advance(std::chrono::seconds(5));
  EXPECT_EQ(slow_.count<ms::SubscriptionDone>(), 1u);
}

TEST_F(SlowSubscriberTest, IsEndedWithGroupsSmallerThanItsQueue) {
  // Each group fits the queue; it is their sum that does not, so every group begins before the limit is reached.
  for (std::uint64_t group = 0; group < 60; ++group) publisher_.group(group, {std::string(50, 'x')});
  network_.advance(std::chrono::seconds(5));
  EXPECT_EQ(slow_.count<ms::SubscriptionDone>(), 1u);
}

TEST_F(SlowSubscriberTest, StaysWhenItCatchesUpBetweenSkips) {
  for (std::uint64_t group = 0; group < 20; group += 2) {
    stall(true);
    big_group(group);
    catch_up();
    publisher_.group(group + 1, {std::string(50, 'a'), std::string(50, 'b')});
  }
  EXPECT_GE(network_.relay.counters().groups_skipped, 10u);
  EXPECT_EQ(slow_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(SlowSubscriberTest, HoldsNoMoreThanItsLimit) {
  const auto stream = publisher_.open(0);
  for (std::uint64_t id = 0; id < 8; ++id) {
    publisher_.object(stream, id, std::string(50, 'x'));
    std::size_t queued = 0;
    for (const auto& stream_of_slow : slow_.pair.server.streams)
      queued += slow_.pair.server.session.queued_bytes(stream_of_slow.handle);
    EXPECT_LE(queued, kLimit + 60);  // one object beyond it makes it notice
  }
}

TEST_F(SlowSubscriberTest, SkipsWhatHasWaitedForTooLong) {
  RelayLimits limits;
  limits.max_queue_age = std::chrono::seconds(2);
  RelayNetwork network(limits);
  RelayClient& publisher_client = network.connect();
  RelayClient& slow = network.connect({}, small_window());
  TestPublisher publisher(network, publisher_client);
  publisher.announce();
  ASSERT_TRUE(slow.session().subscribe(track_name()).ok());
  network.run();
  publisher.accept();
  slow.pair.server.acknowledge = false;
  slow.pair.server.session.set_send_window(0);
  // More than what the session takes of one stream, so that the rest waits in the store.
  const auto stream = publisher.open(0);
  for (std::uint64_t id = 0; id < 200; ++id) publisher.object(stream, id, std::string(50, 'x'));
  publisher.finish(stream);
  network.advance(std::chrono::milliseconds(1900));
  publisher.group(1, {"a"});
  EXPECT_EQ(network.relay.counters().groups_skipped, 0u);
  network.advance(std::chrono::milliseconds(200));
  publisher.group(2, {"b"});
  EXPECT_EQ(network.relay.counters().groups_skipped, 1u);
}

/// A subscriber that wants nothing older than half a second.
class ImpatientSubscriberTest : public SlowSubscriberTest {
 protected:
  void SetUp() override {
    publisher_.announce();
    moqt::MessageParameters wish;
    wish.set_delivery_timeout(500);
    ASSERT_TRUE(slow_.session().subscribe(track_name(), std::move(wish)).ok());
    ASSERT_TRUE(fast_.session().subscribe(track_name()).ok());
    network_.run();
    publisher_.accept();
    slow_.pair.server.session.set_send_window(0);
  }
};

// [d15 §9.2.1.2-1]
TEST_F(ImpatientSubscriberTest, GetsWhatIsYoungAndNothingElse) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "old");
  publisher_.object(stream, 1, "old too");
  network_.advance(std::chrono::milliseconds(501));
  publisher_.object(stream, 2, "young");
  publisher_.object(stream, 3, "too");
  slow_.pair.server.session.set_send_window(1024);
  network_.run();
  EXPECT_EQ(objects(slow_), (Lines{"0/2 young", "0/3 too"}));
  EXPECT_EQ(objects(fast_), (Lines{"0/0 old", "0/1 old too", "0/2 young", "0/3 too"}));
  // Two objects of the subgroup are missing, so its stream has no FIN.
  publisher_.finish(stream);
  network_.advance(std::chrono::seconds(10));
  ASSERT_EQ(slow_.count<ms::SubgroupEnded>(), 1u);
  EXPECT_FALSE(slow_.only<ms::SubgroupEnded>().finished);
  EXPECT_TRUE(fast_.only<ms::SubgroupEnded>().finished);
}

TEST_F(ImpatientSubscriberTest, HoldsNothingThatIsTooOld) {
  for (std::uint64_t group = 0; group < 3; ++group) publisher_.group(group, {std::string(50, 'x')});
  network_.advance(std::chrono::seconds(1));
  slow_.pair.server.session.set_send_window(1024);
  network_.run();
  EXPECT_TRUE(objects(slow_).empty());
  publisher_.group(3, {"young"});
  EXPECT_EQ(objects(slow_), Lines{"3/0 young"});
  EXPECT_EQ(network_.relay.counters().groups_skipped, 0u);
}

TEST_F(SlowSubscriberTest, SkipsEveryGroupThatIsUnderWay) {
  // Two groups at once: what is left of the later one is of no use either once its beginning is gone.
  const auto first = publisher_.open(0);
  const auto second = publisher_.open(1);
  publisher_.object(second, 0, "second");
  for (std::uint64_t id = 0; id < 8; ++id) publisher_.object(first, id, std::string(50, 'x'));
  catch_up();
  slow_.pair.client.events.clear();
  publisher_.object(second, 1, "rest");
  publisher_.group(2, {"a"});
  EXPECT_EQ(objects(slow_), (Lines{"2/0 a"}));
}

// [d15 §9.2.1.3-1]
TEST(CachedTooLong, IsNotForwardedAnyMore) {
  RelayNetwork network;
  RelayClient& publisher_client = network.connect();
  RelayClient& slow = network.connect();
  TestPublisher publisher(network, publisher_client);
  publisher.announce();
  ASSERT_TRUE(slow.session().subscribe(track_name()).ok());
  network.run();
  moqt::MessageParameters parameters;
  parameters.set_max_cache_duration(500);
  publisher.accept(std::move(parameters));
  slow.pair.server.session.set_send_window(0);
  // More than the session takes ahead of its transport, so that the rest waits in the cache.
  const auto stream = publisher.open(0);
  for (std::uint64_t id = 0; id < 4; ++id) publisher.object(stream, id, std::string(50, 'x'));
  const auto other = publisher.open(1);
  const auto begin = base::SharedBytes::copy_of(hex("00 80040000"));  // 256 KiB
  ASSERT_TRUE(publisher_client.session().append_object(other, 0, begin, 1, 0x40000).ok());
  ASSERT_TRUE(
      publisher_client.session().append_payload(other, base::SharedBytes::copy_of(base::ByteVector(0x40000))).ok());
  network.run();
  publisher.object(other, 1, "waits");
  network.advance(std::chrono::milliseconds(501));
  publisher.object(publisher.open(2), 0, "young");
  slow.pair.server.session.set_send_window(1 << 20);
  network.run();
  const auto received = objects(slow);
  EXPECT_EQ(std::count(received.begin(), received.end(), "1/1 waits"), 0);
  EXPECT_EQ(std::count(received.begin(), received.end(), "2/0 young"), 1);
}

// ---- the account ----

class DeliveryAccountTest : public SlowSubscriberTest {
 protected:
  [[nodiscard]] moqt::objects::DeliveryAccount account() { return network_.relay.counters().deliveries; }
  void expect_sum(std::uint64_t published) {
    EXPECT_EQ(account().published, published);
    EXPECT_EQ(account().accounted(), published);
  }
};

TEST_F(DeliveryAccountTest, WhatASkipTakesOutOfTheSessionWasNotDelivered) {
  big_group(0);
  expect_sum(16);
  EXPECT_EQ(account().waiting, 0u);
  // The fast one has eight; of the other's, two: the second begins within its window of 64 bytes, and is not cut.
  EXPECT_EQ(account().delivered, 10u);
  EXPECT_EQ(account().skipped, 6u);
}

TEST_F(DeliveryAccountTest, WhatASubscriberStopsWasNotDelivered) {
  const auto stream = publisher_.open(0);
  for (std::uint64_t id = 0; id < 3; ++id) publisher_.object(stream, id, std::string(50, 'x'));
  const auto mine = slow_.all<ms::SubgroupOpened>();
  ASSERT_EQ(mine.size(), 1u);
  slow_.session().stop_stream(mine[0].stream, moqt::StreamResetCode::kCancelled);
  network_.run();
  publisher_.object(stream, 3, "x");
  expect_sum(8);
  EXPECT_EQ(account().delivered, 4u + 2u);
  EXPECT_EQ(account().stopped, 2u);
}

TEST_F(DeliveryAccountTest, WhatWaitsWhenASubscriberLeavesWasNotDelivered) {
  const auto stream = publisher_.open(0);
  for (std::uint64_t id = 0; id < 3; ++id) publisher_.object(stream, id, std::string(50, 'x'));
  network_.lose(slow_);
  expect_sum(6);
  EXPECT_EQ(account().delivered, 3u + 2u);
  EXPECT_EQ(account().reset, 1u);
}

TEST_F(DeliveryAccountTest, WhatWasNotWantedIsCountedOnceAlthoughItLiesBehindWhatWaits) {
  // Waits in the store, so that the cursor has still to pass what comes while Forward State is 0.
  const auto stream = publisher_.open(0);
  slow_.pair.server.session.set_send_window(0);
  for (std::uint64_t id = 0; id < 2; ++id) publisher_.object(stream, id, std::string(50, 'x'));
  moqt::MessageParameters pause;
  pause.set_forward(false);
  ms::RequestHandle mine = slow_.all<ms::RequestAccepted>().front().request;
  ASSERT_TRUE(slow_.session().update(mine, std::move(pause)).ok());
  network_.run();
  publisher_.object(stream, 2, "x");
  moqt::MessageParameters go_on;
  go_on.set_forward(true);
  ASSERT_TRUE(slow_.session().update(mine, std::move(go_on)).ok());
  network_.run();
  publisher_.object(stream, 3, "x");
  catch_up();
  slow_.pair.server.session.set_send_window(1024);
  network_.run();
  expect_sum(8);
  EXPECT_EQ(account().unforwarded, 3u);
  EXPECT_EQ(account().delivered, 4u + 1u);
}

TEST_F(DeliveryAccountTest, DatagramsThatMakeRoomWereNotDelivered) {
  slow_.pair.server.session.set_send_window(0);
  for (std::uint8_t id = 0; id < 10; ++id) {
    // Type 0x00 [d15 §10.3.1]: Group ID, Object ID, priority, payload.
    const ms::DatagramProperties properties{0x00, {0, id}, std::uint8_t{128}};
    const base::ByteVector bytes{0, id, 0x80, 'x'};
    ASSERT_TRUE(publisher_client_.session()
                    .send_datagram(publisher_.subscription, properties, base::SharedBytes::copy_of(bytes))
                    .ok());
    network_.run();
  }
  expect_sum(20);
  EXPECT_EQ(account().dropped, 6u);
  EXPECT_EQ(account().delivered, 14u);
  network_.lose(slow_);
  expect_sum(20);
  EXPECT_EQ(account().reset, 4u);
}

}  // namespace
}  // namespace msquic_py::relay
