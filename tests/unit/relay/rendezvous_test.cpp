// A subscriber comes before its publisher, or outlives it.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/relay_network.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

class RendezvousTest : public ::testing::Test {
 protected:
  static relay::RelayLimits limits() {
    relay::RelayLimits limits;
    limits.rendezvous_timeout = 5s;
    return limits;
  }
  RelayClient& subscribed() {
    RelayClient& client = network_.connect();
    moqt::MessageParameters parameters;
    parameters.set_filter(moqt::SubscriptionFilter::largest_object());
    EXPECT_TRUE(client.session().subscribe(track_name(), parameters).ok());
    network_.run();
    return client;
  }

  RelayNetwork network_{limits()};
};

TEST_F(RendezvousTest, APublishAnswersASubscriberThatHasWaited) {
  RelayClient& subscriber = subscribed();
  network_.advance(4s);
  EXPECT_EQ(subscriber.count<ms::RequestRejected>(), 0u);
  RelayClient& source = network_.connect();
  TestPublisher publisher(network_, source);
  publisher.subscription = *source.session().publish(track_name());
  network_.run();
  EXPECT_EQ(subscriber.count<ms::RequestAccepted>(), 1u);
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), (Lines{"0/0 a"}));
}

TEST_F(RendezvousTest, AnAnnouncementIsAskedForWhatSomebodyWaitsFor) {
  RelayClient& subscriber = subscribed();
  RelayClient& source = network_.connect();
  TestPublisher publisher(network_, source);
  publisher.announce();
  publisher.accept();
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), (Lines{"0/0 a"}));
}

TEST_F(RendezvousTest, EachSubscriberIsRefusedWhenItsTimeIsOver) {
  RelayClient& first = subscribed();
  network_.advance(3s);
  RelayClient& second = subscribed();
  network_.advance(2s);
  EXPECT_EQ(first.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(moqt::RequestErrorCode::kDoesNotExist));
  EXPECT_EQ(second.count<ms::RequestRejected>(), 0u);
  network_.advance(3s);
  EXPECT_EQ(second.count<ms::RequestRejected>(), 1u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
  EXPECT_EQ(network_.relay.counters().subscriptions_held, 2u);
}

TEST_F(RendezvousTest, ASubscriberThatLeavesWaitsNoMore) {
  RelayClient& subscriber = subscribed();
  network_.lose(subscriber);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
  network_.advance(10s);
}

TEST_F(RendezvousTest, ALostPublisherMayComeBack) {
  RelayClient& source = network_.connect();
  TestPublisher publisher(network_, source);
  publisher.subscription = *source.session().publish(track_name());
  network_.run();
  RelayClient& subscriber = subscribed();
  const auto stream = publisher.open(7);
  publisher.object(stream, 0, "a");
  network_.lose(source);
  network_.advance(4s);
  EXPECT_EQ(subscriber.count<ms::SubscriptionDone>(), 0u);
  RelayClient& again = network_.connect();
  TestPublisher next(network_, again);
  next.subscription = *again.session().publish(track_name());  // a new process: it has published nothing yet
  network_.run();
  next.group(8, {"b"});
  EXPECT_EQ(objects(subscriber), (Lines{"7/0 a", "8/0 b"}));
  network_.lose(again);
  network_.advance(6s);
  EXPECT_EQ(subscriber.count<ms::SubscriptionDone>(), 1u);
}

TEST_F(RendezvousTest, ARelayThatIsRefusedForAnotherReasonDoesNotWait) {
  RelayClient& source = network_.connect();
  TestPublisher publisher(network_, source);
  publisher.announce();
  RelayClient& subscriber = subscribed();
  ASSERT_TRUE(source.session()
                  .reject(source.only<ms::SubscribeReceived>().request, moqt::RequestErrorCode::kUnauthorized, "no")
                  .ok());
  network_.run();
  EXPECT_EQ(subscriber.only<ms::RequestRejected>().code,
            static_cast<std::uint64_t>(moqt::RequestErrorCode::kUnauthorized));
}

TEST_F(RendezvousTest, WhatLiesBeforeTheFirstObjectOfANewPublisherIsFetchedFromIt) {
  RelayClient& source = network_.connect();
  TestPublisher publisher(network_, source);
  publisher.subscription = *source.session().publish(track_name());
  network_.run();
  RelayClient& subscriber = subscribed();
  publisher.group(7, {"a"});
  network_.lose(source);
  RelayClient& again = network_.connect();
  TestPublisher next(network_, again);
  next.subscription = *again.session().publish(track_name());  // does not say where it is
  network_.run();
  const auto stream = next.open(9);
  next.object(stream, 0, "c");
  EXPECT_EQ(objects(subscriber), (Lines{"7/0 a", "9/0 c"}));
  const auto asked = again.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range, (moqt::FetchRange{{7, 1}, {8, 0}}));
  const auto answer = again.session().open_fetch(asked.request);
  ms::FetchObject missed;
  missed.location = {8, 0};
  missed.payload_length = 1;
  missed.payload = base::SharedBytes::copy_of(base::as_bytes("b"));
  ASSERT_TRUE(again.session().append_fetch_object(*answer, missed).ok());
  ASSERT_TRUE(again.session().finish_stream(*answer).ok());
  ASSERT_TRUE(again.session().accept_fetch(asked.request, {false, {8, 0}}).ok());
  network_.run();
  EXPECT_EQ(objects(subscriber), (Lines{"7/0 a", "9/0 c", "8/0 b"}));
}

}  // namespace
}  // namespace msquic_py::testing
