// Which publishers the relay asks for a track, and when it answers its subscribers [d15 §8.4] [d15 §8.5].

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

class RoutingTest : public ::testing::Test {
 protected:
  ms::RequestHandle subscribe(RelayClient& client, moqt::MessageParameters parameters = {}) {
    const auto request = client.session().subscribe(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& subscriber_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

TEST_F(RoutingTest, RefusesATrackThatNobodyPublishes) {
  subscribe(subscriber_);
  EXPECT_EQ(subscriber_.only<ms::RequestRejected>().code, 0x10u);  // DOES_NOT_EXIST
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

// [d15 §8.5-5]
TEST_F(RoutingTest, DoesNotTakePartOfAFieldForAPrefix) {
  publisher_.announce({"live", "dem"});
  subscribe(subscriber_);
  EXPECT_EQ(subscriber_.only<ms::RequestRejected>().code, 0x10u);
  EXPECT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 0u);
}

// [d15 §8.4-2, §9.9-3]
TEST_F(RoutingTest, AnswersOnlyWhenAPublisherHasAnswered) {
  publisher_.announce({"live"});
  subscribe(subscriber_);
  EXPECT_EQ(subscriber_.count<ms::RequestAccepted>(), 0u);
  const auto asked = publisher_client_.only<ms::SubscribeReceived>();
  EXPECT_EQ(asked.track, track_name());

  moqt::MessageParameters parameters;
  parameters.set_largest_object({7, 3});
  parameters.set_publisher_priority(9);
  publisher_.accept(std::move(parameters));
  const auto answer = subscriber_.only<ms::RequestAccepted>();
  EXPECT_EQ(answer.parameters.largest_object(), (moqt::Location{7, 3}));
  EXPECT_EQ(answer.parameters.publisher_priority(), 9);
}

// [d15 §8.4]: one filter for every subscriber, whatever they ask for.
TEST_F(RoutingTest, AsksForWhatIsBehindTheLargestObject) {
  publisher_.announce();
  moqt::MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::next_group_start());
  subscribe(subscriber_, std::move(parameters));
  EXPECT_EQ(publisher_client_.only<ms::SubscribeReceived>().parameters.filter()->type,
            moqt::FilterType::kLargestObject);
}

// A publisher may have begun with the track when it answers. Who asks without a filter gets that, too.
TEST_F(RoutingTest, AsksWithoutAFilterForWhoAsksWithoutOne) {
  publisher_.announce();
  subscribe(subscriber_);
  EXPECT_FALSE(publisher_client_.only<ms::SubscribeReceived>().parameters.filter());
  moqt::MessageParameters parameters;
  parameters.set_largest_object({0, 0});
  publisher_.accept(std::move(parameters));
  publisher_.group(0, {"begun", "behind"});
  EXPECT_EQ(objects(subscriber_), (std::vector<std::string>{"0/0 begun", "0/1 behind"}));
}

TEST_F(RoutingTest, PassesARefusalOn) {
  publisher_.announce();
  subscribe(subscriber_);
  const auto asked = publisher_client_.only<ms::SubscribeReceived>();
  ASSERT_TRUE(publisher_client_.session().reject(asked.request, moqt::RequestErrorCode::kUnauthorized, "no").ok());
  network_.run();
  const auto refusal = subscriber_.only<ms::RequestRejected>();
  EXPECT_EQ(refusal.code, 0x1u);
  EXPECT_EQ(refusal.reason, "no");
}

// [d15 §8.5-2, §8.5-5]
TEST_F(RoutingTest, AsksEveryPublisherOfAPrefix) {
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  publisher_.announce({"live"});
  second.announce({"live", "demo"});
  subscribe(subscriber_);
  EXPECT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 1u);
  EXPECT_EQ(other.count<ms::SubscribeReceived>(), 1u);

  // One refusal of two is not the subscriber's business.
  const auto asked = publisher_client_.only<ms::SubscribeReceived>();
  ASSERT_TRUE(publisher_client_.session().reject(asked.request, moqt::RequestErrorCode::kDoesNotExist).ok());
  network_.run();
  EXPECT_EQ(subscriber_.count<ms::RequestRejected>(), 0u);
  second.accept();
  EXPECT_EQ(subscriber_.count<ms::RequestAccepted>(), 1u);
}

// [d15 §8.5-3]
TEST_F(RoutingTest, SubscribesOnceHoweverManySubscribersThereAre) {
  RelayClient& second = network_.connect();
  RelayClient& third = network_.connect();
  publisher_.announce();
  subscribe(subscriber_);
  subscribe(second);  // waits with the first
  publisher_.accept();
  subscribe(third);  // answered from what is known
  EXPECT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 1u);
  for (RelayClient* client : {&subscriber_, &second, &third}) EXPECT_EQ(client->count<ms::RequestAccepted>(), 1u);

  publisher_.group(0, {"a", "b"});
  EXPECT_EQ(objects(subscriber_), (std::vector<std::string>{"0/0 a", "0/1 b"}));
  EXPECT_EQ(objects(second), objects(subscriber_));
  EXPECT_EQ(objects(third), objects(subscriber_));
  EXPECT_EQ(network_.relay.counters().objects_received, 2u);
  EXPECT_EQ(network_.relay.counters().objects_delivered, 6u);
}

TEST_F(RoutingTest, UnsubscribesWithTheLastSubscriber) {
  RelayClient& second = network_.connect();
  publisher_.announce();
  const auto first_request = subscribe(subscriber_);
  const auto second_request = subscribe(second);
  publisher_.accept();
  ASSERT_TRUE(subscriber_.session().cancel(first_request).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::Unsubscribed>(), 0u);
  ASSERT_TRUE(second.session().cancel(second_request).ok());
  network_.run();
  EXPECT_EQ(publisher_client_.count<ms::Unsubscribed>(), 1u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);

  subscribe(subscriber_);  // and asks again for the next
  EXPECT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 2u);
}

TEST_F(RoutingTest, ForgetsASubscriberThatLeftBeforeTheAnswer) {
  publisher_.announce();
  subscribe(subscriber_);
  network_.lose(subscriber_);
  EXPECT_EQ(publisher_client_.count<ms::Unsubscribed>(), 1u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
  EXPECT_EQ(network_.relay.counters().upstream_subscriptions, 0u);
}

TEST_F(RoutingTest, EndsTheTracksOfALostPublisher) {
  publisher_.announce();
  subscribe(subscriber_);
  publisher_.accept();
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  network_.lose(publisher_client_);
  network_.advance(std::chrono::seconds(10));

  EXPECT_EQ(subscriber_.only<ms::SubgroupEnded>().finished, false);
  const auto done = subscriber_.only<ms::SubscriptionDone>();
  // INTERNAL_ERROR ([d15 §13.3.3]): nobody knows whether the track was over, and TRACK_ENDED would say that it was.
  EXPECT_EQ(done.code, 0x0u);
  EXPECT_EQ(done.stream_count, 1u);
  EXPECT_EQ(network_.relay.counters().published_namespaces, 0u);
  EXPECT_EQ(network_.relay.counters().downstream_subscriptions, 0u);
}

TEST_F(RoutingTest, RefusesThoseWhoWaitWhenTheirPublisherIsLost) {
  publisher_.announce();
  subscribe(subscriber_);
  network_.lose(publisher_client_);
  EXPECT_EQ(subscriber_.only<ms::RequestRejected>().code, 0x10u);
}

TEST_F(RoutingTest, AsksAPublisherThatComesBackBeforeTheOldOneIsGone) {
  publisher_.announce();
  subscribe(subscriber_);
  publisher_.accept();
  publisher_.group(4, {"old"});

  // The same publisher on a new connection; the old one has not been missed yet.
  RelayClient& returned = network_.connect();
  TestPublisher again(network_, returned);
  again.announce();
  again.accept();
  again.group(5, {"new"});
  network_.lose(publisher_client_);
  again.group(6, {"newer"});

  EXPECT_EQ(objects(subscriber_), (std::vector<std::string>{"4/0 old", "5/0 new", "6/0 newer"}));
  EXPECT_EQ(subscriber_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(RoutingTest, PassesTheEndOfATrackOn) {
  publisher_.announce();
  subscribe(subscriber_);
  const auto subscription = publisher_.accept();
  publisher_.group(0, {"a"});
  ASSERT_TRUE(publisher_client_.session().publish_done(subscription, moqt::PublishDoneCode::kTrackEnded, "bye").ok());
  network_.run();
  const auto done = subscriber_.only<ms::SubscriptionDone>();
  EXPECT_EQ(done.code, 0x2u);
  EXPECT_EQ(done.reason, "bye");
  EXPECT_EQ(done.missing_streams, 0u);
}

TEST_F(RoutingTest, RefusesMoreTracksThanItsLimit) {
  RelayLimits limits;
  limits.max_tracks = 1;
  RelayNetwork network(limits);
  RelayClient& publisher_client = network.connect();
  RelayClient& subscriber = network.connect();
  TestPublisher publisher(network, publisher_client);
  publisher.announce();
  ASSERT_TRUE(subscriber.session().subscribe(track_name("one")).ok());
  ASSERT_TRUE(subscriber.session().subscribe(track_name("two")).ok());
  network.run();
  EXPECT_EQ(publisher_client.count<ms::SubscribeReceived>(), 1u);
  EXPECT_EQ(subscriber.only<ms::RequestRejected>().code, 0x0u);  // INTERNAL_ERROR

  ASSERT_TRUE(subscriber.session().publish(track_name("three")).ok());
  network.run();
  EXPECT_EQ(subscriber.count<ms::RequestRejected>(), 2u);
  EXPECT_EQ(network.relay.counters().tracks, 1u);
}

// [d15 §8.5-4, §8.5-6, §8.2-1, §7.3-2, §9.2.1.2-3]
TEST_F(RoutingTest, WhatASubscriberWishesForItselfStaysHere) {
  publisher_.announce();
  moqt::MessageParameters wishes;
  wishes.set_forward(false);
  wishes.set_subscriber_priority(3);
  wishes.set_group_order(moqt::GroupOrder::kDescending);
  wishes.set_delivery_timeout(100);
  subscribe(subscriber_, std::move(wishes));
  const auto asked = publisher_client_.only<ms::SubscribeReceived>().parameters;
  EXPECT_EQ(asked.forward(), true);
  EXPECT_EQ(asked.subscriber_priority(), std::nullopt);
  EXPECT_EQ(asked.group_order(), std::nullopt);
  EXPECT_EQ(asked.delivery_timeout(), std::nullopt);

  RelayClient& eager = network_.connect();
  publisher_.accept();
  subscribe(eager);  // FORWARD is 1 upstream already
  EXPECT_EQ(publisher_client_.count<ms::UpdateReceived>(), 0u);
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(eager), std::vector<std::string>{"0/0 a"});
  EXPECT_TRUE(objects(subscriber_).empty());
}

// [d15 §9.2.1.11-2, §9.2.1.2-3, §7.3-1, §9.2.1.9-1]
TEST_F(RoutingTest, WhatThePublisherSaysOfItsTrackGoesDownstream) {
  publisher_.announce();
  ASSERT_TRUE(subscriber_.session().subscribe_namespace({"live"}).ok());
  subscribe(subscriber_);
  moqt::MessageParameters said;
  said.set_largest_object({7, 3});
  said.set_delivery_timeout(800);
  said.set_max_cache_duration(60'000);
  said.set_publisher_priority(9);
  said.set_group_order(moqt::GroupOrder::kDescending);
  said.set_dynamic_groups(true);
  publisher_.accept(said);
  RelayClient& listener = network_.connect();
  RelayClient& publishing = network_.connect();
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  ASSERT_TRUE(publishing.session().publish(track_name("more"), said).ok());
  network_.run();
  std::vector<moqt::MessageParameters> heard{listener.only<ms::PublishReceived>().parameters};
  for (const auto& accepted : subscriber_.all<ms::RequestAccepted>()) {
    if (accepted.parameters.largest_object()) heard.push_back(accepted.parameters);
  }
  ASSERT_EQ(heard.size(), 2u) << "in SUBSCRIBE_OK and in PUBLISH";
  for (const auto& each : heard) {
    EXPECT_EQ(each.largest_object(), (moqt::Location{7, 3}));
    EXPECT_EQ(each.delivery_timeout(), 800u);
    EXPECT_EQ(each.max_cache_duration(), 60'000u);
    EXPECT_EQ(each.publisher_priority(), 9);
    EXPECT_EQ(each.group_order(), moqt::GroupOrder::kDescending);
    EXPECT_EQ(each.dynamic_groups(), true);
  }
}

// [d15 §8.5-9, §8.5-10]
TEST_F(RoutingTest, AnotherPublishersPublishIsWelcome) {
  publisher_.announce();
  subscribe(subscriber_);
  publisher_.accept();
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  moqt::MessageParameters paused;
  paused.set_forward(false);
  second.subscription = *other.session().publish(track_name(), std::move(paused));
  network_.run();
  EXPECT_EQ(other.only<ms::RequestAccepted>().parameters.forward(), true);
  second.group(0, {"a"});
  EXPECT_EQ(objects(subscriber_), std::vector<std::string>{"0/0 a"});
}

// [d15 §8.5-11]
TEST_F(RoutingTest, WhatClosesAPublishersSessionGoesNoFurther) {
  publisher_.announce();
  subscribe(subscriber_);
  publisher_.accept();
  publisher_.group(0, {"a"});
  ms::Session& session = publisher_client_.pair.server.session;
  // On a stream of its own, subgroup 0 of group 1: object 0 "b", then one of length 0 and status 0x2, which there is
  // not.
  const std::uint64_t track_alias = publisher_client_.session().published(publisher_.subscription)->track_alias;
  auto bytes = hex("10");
  bytes.push_back(static_cast<std::uint8_t>(track_alias));
  for (const std::uint8_t byte : hex("01 80 | 00 01 62 | 00 00 02")) bytes.push_back(byte);
  session.on_uni_stream_data(network_.now, 1002, base::SharedBytes::copy_of(bytes), false);
  network_.run();
  EXPECT_EQ(publisher_client_.only<ms::Closed>().code, 0x3u);  // PROTOCOL_VIOLATION
  EXPECT_EQ(subscriber_.count<ms::Closed>(), 0u);
  network_.advance(std::chrono::seconds(10));
  EXPECT_EQ(subscriber_.count<ms::Closed>(), 0u);
  for (const auto& object : subscriber_.all<ms::ObjectReceived>()) {
    EXPECT_NE(object.location, (moqt::Location{1, 1})) << "the object that there is not";
  }
}

}  // namespace
}  // namespace msquic_py::relay
