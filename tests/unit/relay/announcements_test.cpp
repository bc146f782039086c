// Who hears of whose namespaces and tracks ([d15 §6.1], [d15 §6.2] and [d15 §8.5]).

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using moqt::TrackNamespace;

class AnnouncementsTest : public ::testing::Test {
 protected:
  ms::RequestHandle listen(RelayClient& client, TrackNamespace prefix) {
    const auto request = client.session().subscribe_namespace(std::move(prefix));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  ms::RequestHandle publish(RelayClient& client, moqt::MessageParameters parameters = {}) {
    const auto request = client.session().publish(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  /// PUBLISH_OK for the PUBLISH that `client` got.
  void welcome(RelayClient& client) {
    ASSERT_TRUE(client.session().accept(client.only<ms::PublishReceived>().request).ok());
    network_.run();
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& listener_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

// [d15 §5.1-5, §6.2-1, §8.5-2]
TEST_F(AnnouncementsTest, ForwardsANamespaceToWhoAskedBefore) {
  RelayClient& stranger = network_.connect();
  listen(listener_, {"live"});
  listen(stranger, {"other"});
  publisher_.announce();
  EXPECT_EQ(listener_.only<ms::NamespacePublished>().track_namespace, (TrackNamespace{"live", "demo"}));
  EXPECT_EQ(stranger.count<ms::NamespacePublished>(), 0u);
}

// [d15 §6.2-1]
TEST_F(AnnouncementsTest, ForwardsANamespaceToWhoAsksAfterwards) {
  publisher_.announce();
  listen(listener_, {"live", "demo"});
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 1u);
}

TEST_F(AnnouncementsTest, AnnouncesOnceAndTakesBackWithTheLastPublisher) {
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  listen(listener_, {"live"});
  const auto first_announcement = publisher_.announce();
  second.announce();
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 1u);
  ASSERT_TRUE(publisher_client_.session().cancel(first_announcement).ok());
  network_.run();
  EXPECT_EQ(listener_.count<ms::NamespaceDone>(), 0u);
  network_.lose(other);
  EXPECT_EQ(listener_.count<ms::NamespaceDone>(), 1u);

  publisher_.announce();  // and again for the one that comes back
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 2u);
}

// [d15 §6.1-3]
TEST_F(AnnouncementsTest, StopsAnnouncingToWhoNoLongerListens) {
  const auto interest = listen(listener_, {"live"});
  publisher_.announce();
  ASSERT_TRUE(listener_.session().cancel(interest).ok());
  network_.run();
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  second.announce({"live", "more"});
  EXPECT_EQ(listener_.count<ms::NamespacePublished>(), 1u);
  EXPECT_EQ(listener_.count<ms::NamespaceDone>(), 1u);
}

// [d15 §6.1-4]
TEST_F(AnnouncementsTest, TellsAPublisherOfItsOwnNamespace) {
  listen(publisher_client_, {"live"});
  publisher_.announce();
  EXPECT_EQ(publisher_client_.count<ms::NamespacePublished>(), 1u);
}

// [d15 §4-2, §5.1-5, §8.2-1, §8.5-2, §8.5-7, §8.5-10, §9.2.1.9-1]
TEST_F(AnnouncementsTest, OffersAPublishedTrackToListeners) {
  listen(listener_, {"live"});
  moqt::MessageParameters parameters;
  parameters.set_largest_object({3, 1});
  publisher_.subscription = publish(publisher_client_, std::move(parameters));
  EXPECT_EQ(publisher_client_.only<ms::RequestAccepted>().parameters.forward(), true);
  const auto offered = listener_.only<ms::PublishReceived>();
  EXPECT_EQ(offered.track, track_name());
  EXPECT_EQ(offered.parameters.largest_object(), (moqt::Location{3, 1}));
  welcome(listener_);
  publisher_.group(4, {"a"});
  EXPECT_EQ(objects(listener_), std::vector<std::string>{"4/0 a"});
}

// [d15 §9.23-4]
TEST_F(AnnouncementsTest, OffersTracksInTheForwardStateThatTheListenerAskedFor) {
  RelayClient& eager = network_.connect();
  moqt::MessageParameters paused;
  paused.set_forward(false);
  ASSERT_TRUE(listener_.session().subscribe_namespace({"live"}, paused).ok());
  listen(eager, {"live"});
  publisher_.subscription = publish(publisher_client_);
  EXPECT_EQ(listener_.only<ms::PublishReceived>().parameters.forward(), false);
  EXPECT_NE(eager.only<ms::PublishReceived>().parameters.forward(), false);
  publisher_.group(0, {"a"});
  EXPECT_TRUE(objects(listener_).empty());
  EXPECT_EQ(objects(eager), std::vector<std::string>{"0/0 a"});
  welcome(listener_);  // FORWARD left out of PUBLISH_OK is 1 [d15 §9.2.1.10]
  publisher_.group(1, {"b"});
  EXPECT_EQ(objects(listener_), std::vector<std::string>{"1/0 b"});
}

TEST_F(AnnouncementsTest, OffersTracksThatWereThereBeforeInTheForwardStateOfTheListener) {
  publisher_.subscription = publish(publisher_client_);
  moqt::MessageParameters paused;
  paused.set_forward(false);
  ASSERT_TRUE(listener_.session().subscribe_namespace({"live", "demo"}, paused).ok());
  network_.run();
  EXPECT_EQ(listener_.only<ms::PublishReceived>().parameters.forward(), false);
}

// [d15 §5.1.2-3]
TEST_F(AnnouncementsTest, LosesNothingThatIsPublishedBeforeAListenersAnswer) {
  publisher_.subscription = publish(publisher_client_);
  listen(listener_, {"live"});
  const auto stream = publisher_.open(7);
  publisher_.object(stream, 0, "a");
  moqt::MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::next_group_start());
  ASSERT_TRUE(listener_.session().accept(listener_.only<ms::PublishReceived>().request, std::move(parameters)).ok());
  network_.run();
  publisher_.object(stream, 1, "b");
  publisher_.finish(stream);
  publisher_.group(8, {"c"});
  EXPECT_EQ(objects(listener_), (std::vector<std::string>{"7/0 a", "7/1 b", "8/0 c"}));
}

TEST_F(AnnouncementsTest, OffersAPublishedTrackToALateListener) {
  publisher_.subscription = publish(publisher_client_);
  listen(listener_, {"live"});
  welcome(listener_);
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(listener_), std::vector<std::string>{"0/0 a"});
}

// [d15 §8.5-3]
TEST_F(AnnouncementsTest, AnswersASubscribeFromAPublishedTrack) {
  publisher_.subscription = publish(publisher_client_);
  ASSERT_TRUE(listener_.session().subscribe(track_name()).ok());
  network_.run();
  EXPECT_EQ(listener_.count<ms::RequestAccepted>(), 1u);
  EXPECT_EQ(publisher_client_.count<ms::SubscribeReceived>(), 0u);
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(listener_), std::vector<std::string>{"0/0 a"});
}

TEST_F(AnnouncementsTest, KeepsAPublishedTrackWithoutListeners) {
  publisher_.subscription = publish(publisher_client_);
  listen(listener_, {"live"});
  ASSERT_TRUE(listener_.session()
                  .reject(listener_.only<ms::PublishReceived>().request, moqt::RequestErrorCode::kUninterested)
                  .ok());
  network_.run();
  publisher_.group(0, {"a"});
  EXPECT_TRUE(objects(listener_).empty());
  EXPECT_EQ(network_.relay.counters().downstream_subscriptions, 0u);
  EXPECT_EQ(network_.relay.counters().tracks, 1u);
  network_.lose(publisher_client_);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

// [d15 §6.1-4]
TEST_F(AnnouncementsTest, SendsAPublisherItsOwnObjectsBack) {
  publisher_.announce();
  ASSERT_TRUE(publisher_client_.session().subscribe(track_name()).ok());
  network_.run();
  publisher_.accept();
  publisher_.group(0, {"a", "b"});
  EXPECT_EQ(objects(publisher_client_), (std::vector<std::string>{"0/0 a", "0/1 b"}));
}

// [d15 §6.1-4]
TEST_F(AnnouncementsTest, EchoesAPublishToItsPublisherThatListens) {
  listen(publisher_client_, {"live"});
  publisher_.subscription = publish(publisher_client_);
  welcome(publisher_client_);
  publisher_.group(0, {"a"});
  EXPECT_EQ(objects(publisher_client_), std::vector<std::string>{"0/0 a"});
  network_.lose(publisher_client_);  // publisher and subscriber of one track leave at once
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
  EXPECT_EQ(network_.relay.counters().sessions, 1u);
}

TEST_F(AnnouncementsTest, HearsTheAnswerToASubscribeFromItself) {
  publisher_.announce();
  ASSERT_TRUE(publisher_client_.session().subscribe(track_name()).ok());
  network_.run();
  network_.lose(publisher_client_);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
  EXPECT_EQ(network_.relay.counters().upstream_subscriptions, 0u);
}

// [d15 §12.3.1-1]
TEST_F(AnnouncementsTest, RefusesMoreNamespacesThanItsLimit) {
  RelayLimits limits;
  limits.max_namespaces = 1;
  RelayNetwork network(limits);
  RelayClient& client = network.connect();
  ASSERT_TRUE(client.session().publish_namespace({"one"}).ok());
  ASSERT_TRUE(client.session().publish_namespace({"two"}).ok());
  network.run();
  EXPECT_EQ(client.count<ms::RequestAccepted>(), 1u);
  EXPECT_EQ(client.only<ms::RequestRejected>().code, 0x0u);
}

// [d15 §12.3.2-1]
TEST_F(AnnouncementsTest, RefusesPrefixesShorterThanItsLimit) {
  RelayLimits limits;
  limits.min_prefix_fields = 2;
  RelayNetwork network(limits);
  RelayClient& client = network.connect();
  ASSERT_TRUE(client.session().subscribe_namespace({"one"}).ok());
  ASSERT_TRUE(client.session().subscribe_namespace({"two", "three"}).ok());
  network.run();
  EXPECT_EQ(client.count<ms::RequestAccepted>(), 1u);
  EXPECT_EQ(client.only<ms::RequestRejected>().code, 0x1u);  // UNAUTHORIZED
}

}  // namespace
}  // namespace msquic_py::relay
