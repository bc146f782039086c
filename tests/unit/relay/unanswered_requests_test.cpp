// Publishers that do not answer what the relay asks of them on behalf of others.

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr std::uint64_t kTimeout = 0x2;

/// A client that grants no Request IDs, until it says otherwise.
ms::SessionConfig without_credit() {
  ms::SessionConfig config;
  config.limits.max_open_requests = 0;
  return config;
}

class UnansweredRequestsTest : public ::testing::Test {
 protected:
  void expect_everybody_lives(std::initializer_list<RelayClient*> clients) {
    for (RelayClient* client : clients) {
      EXPECT_EQ(client->pair.client.closed, std::nullopt);
      EXPECT_EQ(client->pair.server.closed, std::nullopt);
      EXPECT_EQ(client->session().state(), ms::SessionState::kEstablished);
    }
  }

  RelayNetwork network_;
  RelayClient& silent_ = network_.connect();
  RelayClient& mute_ = network_.connect(without_credit());
  RelayClient& subscriber_ = network_.connect();
};

// [d15 §9.8-1]
TEST_F(UnansweredRequestsTest, ASubscribeEndsWithTimeoutLongBeforeAnySession) {
  for (RelayClient* publisher : {&silent_, &mute_}) {
    TestPublisher(network_, *publisher).announce({"live", "demo"});
    ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
    network_.run();
    network_.advance(9s);
    EXPECT_EQ(subscriber_.count<ms::RequestRejected>(), 0u);
    network_.advance(2s);
    EXPECT_EQ(subscriber_.only<ms::RequestRejected>().code, kTimeout);
    EXPECT_EQ(network_.relay.counters().tracks, 0u);
    EXPECT_EQ(network_.relay.counters().upstream_subscriptions, 0u);
    network_.advance(2min);
    expect_everybody_lives({&silent_, &mute_, &subscriber_});
    network_.lose(*publisher);
    subscriber_.pair.clear_events();
  }
  EXPECT_EQ(silent_.count<ms::Unsubscribed>(), 1u);
  EXPECT_EQ(mute_.count<ms::SubscribeReceived>(), 0u);
}

TEST_F(UnansweredRequestsTest, ATrackStatusEndsWithTimeout) {
  for (RelayClient* publisher : {&silent_, &mute_}) {
    TestPublisher(network_, *publisher).announce({"live", "demo"});
    ASSERT_TRUE(subscriber_.session().track_status(track_name()).ok());
    network_.run();
    network_.advance(11s);
    EXPECT_EQ(subscriber_.only<ms::RequestRejected>().code, kTimeout);
    network_.advance(2min);
    expect_everybody_lives({&silent_, &mute_, &subscriber_});
    network_.lose(*publisher);
    subscriber_.pair.clear_events();
  }
}

TEST_F(UnansweredRequestsTest, ALateAnswerDoesNoHarmAndTheNextSubscriberAsksAgain) {
  TestPublisher publisher(network_, silent_);
  publisher.announce();
  ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
  network_.run();
  silent_.pair.client.hold_data = true;
  const auto asked = silent_.only<ms::SubscribeReceived>();
  network_.advance(11s);
  EXPECT_EQ(silent_.session().accept(asked.request).error(), ms::SessionError::kUnknownRequest);  // UNSUBSCRIBE came
  silent_.pair.clear_events();
  subscriber_.pair.clear_events();
  ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
  network_.run();
  silent_.pair.client.hold_data = false;
  publisher.accept();
  EXPECT_EQ(subscriber_.count<ms::RequestAccepted>(), 1u);
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber_), std::vector<std::string>{"0/0 a"});
}

TEST_F(UnansweredRequestsTest, AnotherPublisherServesTheTrackMeanwhile) {
  RelayClient& healthy = network_.connect();
  TestPublisher(network_, silent_).announce({"live"});
  TestPublisher publisher(network_, healthy);
  publisher.announce();
  ASSERT_TRUE(subscriber_.session().subscribe(track_name()).ok());
  network_.run();
  publisher.accept();
  network_.advance(2min);
  EXPECT_EQ(subscriber_.count<ms::RequestRejected>(), 0u);
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber_), std::vector<std::string>{"0/0 a"});
  expect_everybody_lives({&silent_, &healthy, &subscriber_});
}

TEST_F(UnansweredRequestsTest, AListenerThatAnswersNothingKeepsItsSession) {
  ASSERT_TRUE(subscriber_.session().subscribe_namespace({"live"}).ok());
  network_.run();
  subscriber_.pair.client.events.clear();
  TestPublisher(network_, silent_).announce();
  ASSERT_TRUE(silent_.session().publish(track_name("offered")).ok());
  network_.run();
  EXPECT_EQ(subscriber_.count<ms::NamespacePublished>(), 1u);
  EXPECT_EQ(subscriber_.count<ms::PublishReceived>(), 1u);
  network_.advance(3min);
  expect_everybody_lives({&silent_, &subscriber_});
  EXPECT_EQ(subscriber_.count<ms::NamespaceDone>(), 0u);
  EXPECT_EQ(network_.relay.counters().downstream_subscriptions, 0u);
}

}  // namespace
}  // namespace msquic_py::relay
