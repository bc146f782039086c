// A relay asks another for what nobody publishes at it, and tells it what is published.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/relay_tree.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

/// Three relays in a row: 0 below 1 below 2. The relays speak each draft with each other, and draft-15 with clients.
class UpstreamTest : public ::testing::TestWithParam<moqt::Draft> {
 protected:
  UpstreamTest() {
    tree_.draft = GetParam();
    for (int node = 0; node < 2; ++node) tree_.add({}, {moqt::TrackNamespace{}});
    tree_.add();
    link_ = &tree_.link(0, 1);
    tree_.link(1, 2);
  }
  ms::RequestHandle subscribe(RelayClient& client, std::string_view name = "video") {
    const auto request = client.session().subscribe(track_name(name), from_largest());
    EXPECT_TRUE(request.ok());
    tree_.run();
    return *request;
  }
  relay::RelayCounters counters(std::size_t node) { return tree_.at(node).counters(); }

  RelayTree tree_;
  RelayLink* link_ = nullptr;
};

TEST_P(UpstreamTest, OneSubscriptionAndOneCopyGoThroughEachRelayForAllSubscribers) {
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  std::vector<RelayClient*> subscribers;
  for (int i = 0; i < 5; ++i) {
    subscribers.push_back(&tree_.connect(0));
    subscribe(*subscribers.back());
    if (i == 0) publisher.accept();
  }
  EXPECT_EQ(source.count<ms::SubscribeReceived>(), 1u);
  publisher.group(0, {"a", "b"});
  publisher.group(1, {"c"});
  for (const RelayClient* subscriber : subscribers) EXPECT_EQ(objects(*subscriber), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  for (const std::size_t node : {0u, 1u, 2u}) {
    EXPECT_EQ(counters(node).upstream_subscriptions, 1u);
    EXPECT_EQ(counters(node).objects_received, 3u);
  }
}

TEST_P(UpstreamTest, WhatNobodyPublishesIsRefusedByTheLast) {
  RelayClient& client = tree_.connect(0);
  subscribe(client);
  const auto refused = client.only<ms::RequestRejected>();
  EXPECT_EQ(refused.code, static_cast<std::uint64_t>(moqt::RequestErrorCode::kDoesNotExist));
  EXPECT_EQ(refused.reason, "nobody publishes this track");
}

TEST_P(UpstreamTest, WhatComesFromAboveIsNotGivenBackToWhoAsksAtTheSameTime) {
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  subscribe(tree_.connect(0));
  publisher.accept();
  ASSERT_EQ(counters(0).downstream_subscriptions, 1u);
  // The relay above has asked before it saw that the one below asks.
  ASSERT_TRUE(link_->pair.server.session.subscribe(track_name(), from_largest()).ok());
  tree_.run();
  EXPECT_EQ(counters(0).downstream_subscriptions, 1u);
}

TEST_P(UpstreamTest, ATrackIsFoundBelowAndAbove) {
  // Published at a leaf, wanted at another leaf of the same root.
  const std::size_t other = tree_.add({}, {moqt::TrackNamespace{}});
  tree_.link(other, 2);
  RelayClient& source = tree_.connect(0);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  RelayClient& subscriber = tree_.connect(other);
  subscribe(subscriber);
  publisher.accept();
  publisher.group(3, {"x"});
  EXPECT_EQ(objects(subscriber), (Lines{"3/0 x"}));
}

/// One publisher of the track below the subscriber's relay, which it asks, and one above.
class PublishersBelowAndAboveTest : public UpstreamTest {
 protected:
  void SetUp() override {
    above_.announce();
    below_.announce();
    subscribe(subscriber_);
    below_.accept();
    below_.group(0, {"a"});
    ASSERT_EQ(source_above_.count<ms::SubscribeReceived>(), 0u);
  }
  void expect_the_one_above_goes_on() {
    above_.accept();
    above_.group(1, {"b"});
    EXPECT_EQ(objects(subscriber_), (Lines{"0/0 a", "1/0 b"}));
    EXPECT_EQ(subscriber_.count<ms::SubscriptionDone>(), 0u);
  }

  RelayClient& source_above_ = tree_.connect(2);
  TreePublisher above_{tree_, source_above_};
  RelayClient& source_below_ = tree_.connect(0);
  TreePublisher below_{tree_, source_below_};
  RelayClient& subscriber_ = tree_.connect(1);
};

TEST_P(PublishersBelowAndAboveTest, TheOneAboveGoesOnWhenTheRelayBelowHasLostItsOwn) {
  tree_.lose(0, source_below_);
  expect_the_one_above_goes_on();
}

TEST_P(PublishersBelowAndAboveTest, OrWhenTheOneBelowGivesUpWithoutLeaving) {
  const auto request = source_below_.only<ms::SubscribeReceived>().request;
  ASSERT_TRUE(source_below_.session().publish_done(request, moqt::PublishDoneCode::kInternalError, "").ok());
  tree_.run();
  expect_the_one_above_goes_on();
}

TEST_P(PublishersBelowAndAboveTest, ButATrackThatHasEndedBelowIsOver) {
  const auto request = source_below_.only<ms::SubscribeReceived>().request;
  ASSERT_TRUE(source_below_.session().publish_done(request, moqt::PublishDoneCode::kTrackEnded, "").ok());
  tree_.run();
  EXPECT_EQ(subscriber_.only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
}

INSTANTIATE_TEST_SUITE_P(EachDraft, PublishersBelowAndAboveTest, ::testing::ValuesIn(moqt::kSupportedDrafts),
                         [](const auto& draft) { return "Draft" + std::to_string(static_cast<int>(draft.param)); });

TEST_P(UpstreamTest, AnnouncementsGoUpToEveryRelayAndAreTakenBack) {
  RelayClient& listener = tree_.connect(2);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  RelayClient& source = tree_.connect(0);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  EXPECT_EQ(listener.only<ms::NamespacePublished>().track_namespace, (moqt::TrackNamespace{"live", "demo"}));
  tree_.lose(0, source);
  EXPECT_EQ(listener.count<ms::NamespaceDone>(), 1u);
  EXPECT_EQ(counters(2).published_namespaces, 0u);
}

TEST_P(UpstreamTest, AnnouncementsComeDownToWhoeverListens) {
  RelayClient& listener = tree_.connect(0);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  tree_.run();
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  EXPECT_EQ(listener.only<ms::NamespacePublished>().track_namespace, (moqt::TrackNamespace{"live", "demo"}));
  tree_.lose(2, source);
  EXPECT_EQ(listener.count<ms::NamespaceDone>(), 1u);
}

TEST_P(UpstreamTest, OnlyTheWidestOfOverlappingPrefixesIsAskedForAbove) {
  RelayClient& narrow = tree_.connect(0);
  ASSERT_TRUE(narrow.session().subscribe_namespace({"live", "demo"}).ok());
  tree_.run();
  RelayClient& wide = tree_.connect(0);
  const auto widest = wide.session().subscribe_namespace({"live"});
  tree_.run();
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  publisher.announce({"live", "other"});
  EXPECT_EQ(narrow.count<ms::NamespacePublished>(), 1u);
  EXPECT_EQ(wide.count<ms::NamespacePublished>(), 2u);
  ASSERT_TRUE(wide.session().cancel(*widest).ok());
  tree_.run();
  publisher.announce({"live", "third"});
  EXPECT_EQ(counters(0).published_namespaces, 1u);  // of what nobody listens to nothing comes down
}

TEST_P(UpstreamTest, WhatARelayAnnouncedItIsNotToldAgain) {
  // Listened to at the leaf, so that the leaf asks above, where its own announcement is.
  RelayClient& listener = tree_.connect(0);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  RelayClient& source = tree_.connect(0);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  EXPECT_EQ(listener.count<ms::NamespacePublished>(), 1u);
  tree_.lose(0, source);
  EXPECT_EQ(listener.count<ms::NamespaceDone>(), 1u);
  for (const std::size_t node : {0u, 1u, 2u}) EXPECT_EQ(counters(node).published_namespaces, 0u);
}

TEST_P(UpstreamTest, AnOfferedTrackIsOfferedAboveAndSentWhenSomebodyWantsIt) {
  RelayClient& listener = tree_.connect(2);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  RelayClient& source = tree_.connect(0);
  TreePublisher publisher(tree_, source);
  publisher.subscription = *source.session().publish(track_name());
  tree_.run();
  publisher.group(0, {"a"});
  EXPECT_EQ(counters(0).objects_received, 1u);
  EXPECT_EQ(counters(1).objects_received, 0u);  // nobody wants it above
  const auto offer = listener.only<ms::PublishReceived>();
  ASSERT_TRUE(listener.session().accept(offer.request).ok());
  tree_.run();
  publisher.group(1, {"b"});
  EXPECT_EQ(objects(listener), (Lines{"1/0 b"}));
  ASSERT_TRUE(listener.session().cancel(offer.request).ok());
  tree_.run();
  publisher.group(2, {"c"});
  EXPECT_EQ(counters(1).objects_received, 1u);
}

TEST_P(UpstreamTest, AnOfferComesDownAndItsObjectsWhenSomebodyWantsThem) {
  RelayClient& listener = tree_.connect(0);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  tree_.run();
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.subscription = *source.session().publish(track_name());
  tree_.run();
  const auto offer = listener.only<ms::PublishReceived>();
  publisher.group(0, {"a"});
  EXPECT_EQ(counters(0).objects_received, 0u);
  ASSERT_TRUE(listener.session().accept(offer.request).ok());
  tree_.run();
  publisher.group(1, {"b"});
  EXPECT_EQ(objects(listener), (Lines{"1/0 b"}));
}

// [d15 §9.2.1.12-3]
TEST_P(UpstreamTest, AGroupThatIsRequestedWithAnOfferGoesDownToThePublisher) {
  RelayClient& listener = tree_.connect(2);
  ASSERT_TRUE(listener.session().subscribe_namespace({"live"}).ok());
  RelayClient& source = tree_.connect(0);
  moqt::MessageParameters dynamic;
  dynamic.set_dynamic_groups(true);
  ASSERT_TRUE(source.session().publish(track_name(), std::move(dynamic)).ok());
  tree_.run();
  moqt::MessageParameters parameters;
  parameters.set_new_group_request(4);
  const auto offer = listener.only<ms::PublishReceived>();
  ASSERT_EQ(offer.parameters.dynamic_groups(), true);
  const auto accepted = listener.session().accept(offer.request, std::move(parameters));
  ASSERT_TRUE(accepted.ok()) << static_cast<int>(accepted.error());
  tree_.run();
  const auto updates = source.all<ms::UpdateReceived>();
  ASSERT_FALSE(updates.empty());
  EXPECT_EQ(updates.back().parameters.new_group_request(), 4u);
}

TEST_P(UpstreamTest, ASubscriberWakesAnOfferAndIsToldItsLargestObject) {
  RelayClient& source = tree_.connect(0);
  TreePublisher publisher(tree_, source);
  publisher.subscription = *source.session().publish(track_name());
  tree_.run();
  publisher.group(0, {"a"});
  publisher.group(1, {"b"});
  RelayClient& subscriber = tree_.connect(2);
  subscribe(subscriber);
  EXPECT_EQ(subscriber.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{1, 0}));
  publisher.group(2, {"c"});
  EXPECT_EQ(objects(subscriber), (Lines{"2/0 c"}));
}

TEST_P(UpstreamTest, TrackStatusIsAskedAbove) {
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  RelayClient& client = tree_.connect(0);
  ASSERT_TRUE(client.session().track_status(track_name()).ok());
  tree_.run();
  moqt::MessageParameters parameters;
  parameters.set_largest_object({7, 3});
  ASSERT_TRUE(source.session().accept(source.only<ms::TrackStatusReceived>().request, parameters).ok());
  tree_.run();
  EXPECT_EQ(client.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{7, 3}));
}

TEST_P(UpstreamTest, AColdRelayHasTheHeadOfTheGroupFromAbove) {
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  RelayClient& early = tree_.connect(2);
  subscribe(early);
  publisher.accept();
  const auto stream = publisher.open(4);
  publisher.object(stream, 0, "a");
  publisher.object(stream, 1, "b");
  RelayClient& late = tree_.connect(0);
  const auto subscription = late.session().subscribe(track_name(), from_largest());
  ASSERT_TRUE(late.session().join(*subscription, ms::JoiningStart::relative(0)).ok());
  tree_.run();
  publisher.object(stream, 2, "c");
  const auto head = late.all<ms::FetchObjectReceived>();
  ASSERT_EQ(head.size(), 2u);
  EXPECT_EQ(head[0].location, (moqt::Location{4, 0}));
  EXPECT_EQ(head[1].location, (moqt::Location{4, 1}));
  EXPECT_EQ(objects(late), (Lines{"4/2 c"}));
  EXPECT_EQ(source.count<ms::FetchReceived>(), 0u);  // the relay above had it
}

TEST_P(UpstreamTest, TheSubscriptionAboveLingersAndThenGoes) {
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  RelayClient& first = tree_.connect(0);
  const auto request = subscribe(first);
  publisher.accept();
  ASSERT_TRUE(first.session().cancel(request).ok());
  tree_.advance(1s);
  EXPECT_EQ(counters(0).upstream_subscriptions, 1u);
  RelayClient& second = tree_.connect(0);
  const auto again = subscribe(second);
  EXPECT_EQ(source.count<ms::SubscribeReceived>(), 1u);  // it was still there
  ASSERT_TRUE(second.session().cancel(again).ok());
  tree_.advance(10s);
  for (const std::size_t node : {0u, 1u, 2u}) EXPECT_EQ(counters(node).upstream_subscriptions, 0u);
  EXPECT_EQ(source.count<ms::Unsubscribed>(), 1u);
}

TEST_P(UpstreamTest, ASubscriberWaitsForAnUpstreamThatIsBeingDialled) {
  const std::size_t node = tree_.add({}, {moqt::TrackNamespace{}});
  RelayClient& source = tree_.connect(2);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  RelayClient& subscriber = tree_.connect(node);
  subscribe(subscriber);
  tree_.advance(3s);
  EXPECT_EQ(subscriber.count<ms::RequestRejected>(), 0u);
  tree_.link(node, 2);
  publisher.accept();
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), (Lines{"0/0 a"}));
  RelayClient& another = tree_.connect(tree_.add({}, {moqt::TrackNamespace{}}));
  subscribe(another);
  tree_.advance(11s);
  EXPECT_EQ(another.count<ms::RequestRejected>(), 1u);
}

INSTANTIATE_TEST_SUITE_P(EachDraft, UpstreamTest, ::testing::ValuesIn(moqt::kSupportedDrafts),
                         [](const auto& draft) { return "Draft" + std::to_string(static_cast<int>(draft.param)); });

TEST(Upstreams, AreAskedInOrderAndByPrefix) {
  RelayTree tree;
  const std::size_t first = tree.add();
  const std::size_t second = tree.add();
  const std::size_t sports = tree.add();
  const std::size_t relay = tree.add({}, {{}, {}, moqt::TrackNamespace{"sports"}});
  tree.link(relay, first, 0);
  tree.link(relay, second, 1);
  tree.link(relay, sports, 2);
  RelayClient& source = tree.connect(second);
  TreePublisher publisher(tree, source);
  publisher.announce();
  RelayClient& athlete = tree.connect(sports);
  TreePublisher games(tree, athlete);
  games.announce({"sports", "games"});

  RelayClient& subscriber = tree.connect(relay);
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), from_largest()).ok());
  ASSERT_TRUE(subscriber.session().subscribe({{"sports", "games"}, "main"}, from_largest()).ok());
  tree.run();
  publisher.accept();  // the first has refused
  games.accept();
  publisher.group(0, {"a"});
  games.group(0, {"b"});
  EXPECT_EQ(objects(subscriber), (Lines{"0/0 a", "0/0 b"}));
  RelayClient& below = tree.connect(relay);
  TreePublisher local(tree, below);
  local.announce({"news"});
  EXPECT_EQ(tree.at(first).counters().published_namespaces, 1u);
  EXPECT_EQ(tree.at(sports).counters().published_namespaces, 1u);  // its own: news are not its business
}

}  // namespace
}  // namespace msquic_py::testing
