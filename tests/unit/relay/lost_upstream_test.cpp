// An upstream, or a publisher, is lost, and another goes on: subscribers have everything, each object once, in order.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/relay_tree.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

/// Group by group: streams of several groups may be read in turns.
Lines by_group(const RelayClient& client) {
  Lines lines = objects(client);
  std::stable_sort(lines.begin(), lines.end(), [](const std::string& left, const std::string& right) {
    return std::stoul(left) < std::stoul(right);
  });
  return lines;
}

/// A relay below another, with a publisher above and a subscriber below.
class LostUpstreamTest : public ::testing::Test {
 protected:
  LostUpstreamTest() : link_(&tree_.link(0, 1)), source_(tree_.connect(1)), publisher_(tree_, source_) {
    publisher_.ends_groups = true;
    publisher_.announce();
    subscriber_ = &tree_.connect(0);
    EXPECT_TRUE(subscriber_->session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
    publisher_.accept();
    // Somebody above keeps the track alive there while the relay below is away.
    RelayClient& above = tree_.connect(1);
    EXPECT_TRUE(above.session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
  }
  relay::RelayCounters counters() { return tree_.at(0).counters(); }

  struct Tree : RelayTree {
    Tree() {
      add({}, {moqt::TrackNamespace{}});
      add();
    }
  } tree_;
  RelayLink* link_;
  RelayClient& source_;
  TreePublisher publisher_;
  RelayClient* subscriber_ = nullptr;
};

TEST_F(LostUpstreamTest, WhatWasMissedIsFetchedAndGivenInOrder) {
  publisher_.group(0, {"a", "b"});
  const auto stream = publisher_.open(1);
  publisher_.object(stream, 0, "c");
  tree_.cut(*link_);
  publisher_.object(stream, 1, "d");
  publisher_.finish(stream);
  publisher_.group(2, {"e", "f"});
  const auto later = publisher_.open(3);
  publisher_.object(later, 0, "g");
  tree_.advance(2s);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  tree_.link(0, 1);
  publisher_.object(later, 1, "h");
  publisher_.finish(later);
  EXPECT_EQ(by_group(*subscriber_), (Lines{"0/0 a", "0/1 b", "1/0 c", "1/1 d", "2/0 e", "2/1 f", "3/0 g", "3/1 h"}));
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  EXPECT_EQ(counters().publishers_lost, 1u);
  EXPECT_EQ(counters().publishers_replaced, 1u);
  EXPECT_EQ(counters().backfills_failed, 0u);
  EXPECT_EQ(source_.count<ms::SubscribeReceived>(), 1u);
  EXPECT_EQ(source_.count<ms::FetchReceived>(), 0u);  // the upstream had it all
  // No stream had to be cut for it: each ends as its publisher ended it.
  for (const auto& ended : subscriber_->all<ms::SubgroupEnded>()) EXPECT_TRUE(ended.finished);
}

TEST_F(LostUpstreamTest, AnObjectThatWasCutInTheMiddleIsCompleted) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  link_->pair.server.hold_data = true;
  ASSERT_TRUE(source_.session().append_object(stream, 1, object_bytes("0123456789"), 1).ok());
  tree_.run();
  // Six bytes of it have come, header included.
  auto& writer = link_->pair.server.streams.back();
  ASSERT_GT(writer.bytes.size(), 6u);
  link_->pair.client.session.on_uni_stream_data(tree_.now, writer.id,
                                                base::SharedBytes::copy_of(base::Bytes(writer.bytes).first(6)), false);
  (void)tree_.at(0).on_events(link_->lower.number, tree_.now);
  tree_.run();
  tree_.cut(*link_);
  tree_.link(0, 1);
  publisher_.object(stream, 2, "z");
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 0123456789", "0/2 z"}));
  EXPECT_EQ(counters().malformed_tracks, 0u);
}

TEST_F(LostUpstreamTest, WhatIsOnItsWayForLongIsNoReasonToLookAgainAndAgain) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  tree_.cut(*link_);
  publisher_.object(stream, 1, "b");
  RelayLink& again = tree_.link(0, 1, 0, /*runs=*/false);
  again.pair.server.hold_data = true;
  // Longer than the subgroup that was cut waits for somebody who goes on with it.
  tree_.advance(relay::RelayLimits{}.takeover_timeout + 1s);
  const auto deadline = tree_.at(0).next_deadline();
  EXPECT_TRUE(!deadline || *deadline > tree_.now);
  again.pair.server.hold_data = false;
  tree_.run();
  publisher_.object(stream, 2, "c");
  publisher_.finish(stream);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
}

TEST_F(LostUpstreamTest, WhatComesAliveMeanwhileWaitsForWhatWasMissed) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  tree_.cut(*link_);
  publisher_.object(stream, 1, "b");
  RelayLink& link = tree_.link(0, 1, 0, /*runs=*/false);
  link.pair.server.hold_data = true;  // neither the FETCH's objects nor the subscription's
  tree_.run();
  publisher_.object(stream, 2, "c");
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a"}));
  link.pair.server.hold_data = false;
  tree_.run();
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
}

TEST_F(LostUpstreamTest, AGapThatNobodyCanFillIsPassed) {
  publisher_.group(0, {"a"});
  tree_.cut(*link_);
  publisher_.group(1, {"b"});
  tree_.restart(1);  // and with it what it had
  RelayClient& source = tree_.connect(1);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  tree_.link(0, 1);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({1, 0});
  publisher.accept(parameters);
  const auto asked = source.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.end, (moqt::Location{1, 1}));
  ASSERT_TRUE(source.session().reject(asked.request, moqt::RequestErrorCode::kDoesNotExist).ok());
  tree_.run();
  publisher.group(2, {"c"});
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "2/0 c"}));
  EXPECT_EQ(counters().backfills_failed, 1u);
}

/// The publisher comes back when the track is over, for those who have missed its end.
class EndedMeanwhileTest : public LostUpstreamTest {
 protected:
  void SetUp() override {
    publisher_.group(0, {"a"});
    tree_.cut(*link_);
    tree_.restart(1);
    RelayClient& source = tree_.connect(1);
    publisher_again_.emplace(tree_, source);
    publisher_again_->announce();
    tree_.link(0, 1);
    moqt::MessageParameters parameters;
    parameters.set_largest_object({1, 1});
    publisher_again_->accept(parameters);
    ASSERT_TRUE(source.session().publish_done(publisher_again_->subscription, moqt::PublishDoneCode::kTrackEnded).ok());
    tree_.run();
    asked_ = source.only<ms::FetchReceived>();
    source_again_ = &source;
  }

  std::optional<TreePublisher> publisher_again_;
  RelayClient* source_again_ = nullptr;
  ms::FetchReceived asked_;
};

TEST_F(EndedMeanwhileTest, TheTrackEndsBehindWhatWasMissedOfIt) {
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  EXPECT_EQ(counters().backfills_failed, 0u);
  ms::Session& session = source_again_->session();
  ASSERT_TRUE(session.accept_fetch(asked_.request, {true, {1, 2}}).ok());
  const auto stream = *session.open_fetch(asked_.request);
  for (std::uint64_t object = 0; object < 2; ++object) {
    ms::FetchObject fetched;
    fetched.location = {1, object};
    fetched.payload = base::SharedBytes::copy_of(base::as_bytes(object == 0 ? "b" : "c"));
    fetched.payload_length = 1;
    ASSERT_TRUE(session.append_fetch_object(stream, fetched).ok());
  }
  ASSERT_TRUE(session.finish_stream(stream).ok());
  tree_.advance(3s);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "1/0 b", "1/1 c"}));
  EXPECT_EQ(subscriber_->only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
}

TEST_F(EndedMeanwhileTest, ATrackWhoseEndIsNotToBeHadWasLost) {
  ASSERT_TRUE(source_again_->session().reject(asked_.request, moqt::RequestErrorCode::kUnknownStatusInRange).ok());
  tree_.advance(3s);
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a"}));
  EXPECT_EQ(subscriber_->only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kInternalError));
}

TEST_F(LostUpstreamTest, AnUpstreamThatHasNoPublisherYetIsAskedAgain) {
  publisher_.group(0, {"a"});
  tree_.restart(1);
  tree_.link(0, 1);
  tree_.advance(1s);
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  RelayClient& source = tree_.connect(1);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  tree_.advance(3s);
  moqt::MessageParameters parameters;
  parameters.set_largest_object({0, 0});
  publisher.accept(parameters);
  publisher.group(1, {"b"});
  EXPECT_EQ(objects(*subscriber_), (Lines{"0/0 a", "1/0 b"}));
}

TEST_F(LostUpstreamTest, SubscribersAreToldWhenItDoesNotComeBack) {
  publisher_.group(0, {"a"});
  tree_.cut(*link_);
  RelayClient& late = tree_.connect(0);
  ASSERT_TRUE(late.session().subscribe(track_name(), from_largest()).ok());
  tree_.advance(29s);
  EXPECT_EQ(subscriber_->count<ms::SubscriptionDone>(), 0u);
  tree_.advance(2s);
  EXPECT_EQ(subscriber_->only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kInternalError));
  EXPECT_EQ(late.count<ms::RequestRejected>(), 1u);
  EXPECT_EQ(counters().tracks, 0u);
}

TEST_F(LostUpstreamTest, WhatIsKnownToBeSomethingElseBeginsAnew) {
  publisher_.group(5, {"old"});
  tree_.restart(1);
  RelayClient& source = tree_.connect(1);
  TreePublisher publisher(tree_, source);
  publisher.announce();
  tree_.link(0, 1);
  publisher.accept();  // does not say where it is
  publisher.group(0, {"new"});
  EXPECT_EQ(objects(*subscriber_), (Lines{"5/0 old", "0/0 new"}));
}

TEST_F(LostUpstreamTest, AnotherUpstreamGoesOnAtOnce) {
  // Two above it, both below the root that has the publisher.
  RelayTree tree;
  const std::size_t root = tree.add();
  const std::size_t left = tree.add({}, {moqt::TrackNamespace{}});
  const std::size_t right = tree.add({}, {moqt::TrackNamespace{}});
  const std::size_t leaf = tree.add({}, {moqt::TrackNamespace{}, moqt::TrackNamespace{}});
  tree.link(left, root);
  tree.link(right, root);
  RelayLink& first = tree.link(leaf, left, 0);
  tree.link(leaf, right, 1);
  RelayClient& source = tree.connect(root);
  TreePublisher publisher(tree, source);
  publisher.announce();
  RelayClient& subscriber = tree.connect(leaf);
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), from_largest()).ok());
  tree.run();
  publisher.accept();
  const auto stream = publisher.open(0);
  publisher.object(stream, 0, "a");
  first.pair.server.hold_data = true;
  publisher.object(stream, 1, "b");
  tree.cut(first);
  publisher.object(stream, 2, "c");
  publisher.finish(stream);
  EXPECT_EQ(objects(subscriber), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
}

TEST_F(LostUpstreamTest, WhatOneOfTwoPublishersHadNotBroughtIsFetchedFromTheOther) {
  RelayTree tree;
  const std::size_t relay = tree.add();
  RelayClient& first = tree.connect(relay);
  TreePublisher publisher(tree, first);
  publisher.announce();
  RelayClient& subscriber = tree.connect(relay);
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), from_largest()).ok());
  tree.run();
  publisher.accept();
  publisher.group(0, {"a"});
  // The other one has published more by now than the first one has brought, which nobody knows to be dead.
  RelayClient& second = tree.connect(relay);
  TreePublisher other(tree, second);
  other.announce();
  moqt::MessageParameters parameters;
  parameters.set_largest_object({1, 0});
  other.accept(parameters);
  EXPECT_EQ(second.count<ms::FetchReceived>(), 0u);
  tree.lose(relay, first);
  const auto asked = second.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.start, (moqt::Location{1, 0}));
  EXPECT_EQ(asked.range.end, (moqt::Location{1, 1}));
}

/// A relay whose first publisher brings nothing more, which nobody knows, and whose second one has begun behind 1/0.
class TwoPublishersTest : public ::testing::Test {
 protected:
  TwoPublishersTest() {
    publisher_.announce();
    EXPECT_TRUE(tree_.connect(relay_).session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
    publisher_.accept();
  }
  void the_other_comes() {
    other_.announce();
    moqt::MessageParameters parameters;
    parameters.set_largest_object({1, 0});
    other_.accept(parameters);
  }

  RelayTree tree_;
  const std::size_t relay_ = tree_.add();
  RelayClient& first_ = tree_.connect(relay_);
  RelayClient& second_ = tree_.connect(relay_);
  TreePublisher publisher_{tree_, first_};
  TreePublisher other_{tree_, second_};
};

TEST_F(TwoPublishersTest, WhatTheOtherHasBroughtSinceHidesNothingOfIt) {
  publisher_.group(0, {"a"});
  the_other_comes();
  other_.group(2, {"c"});
  other_.group(3, {"d"});
  tree_.lose(relay_, first_);
  const auto asked = second_.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.start, (moqt::Location{1, 0}));
  EXPECT_EQ(asked.range.end, (moqt::Location{1, 1}));
}

TEST_F(TwoPublishersTest, NorWhenTheFirstHadBroughtNothing) {
  the_other_comes();
  other_.group(2, {"c"});
  tree_.lose(relay_, first_);
  const auto asked = second_.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.start, (moqt::Location{0, 0}));
  EXPECT_EQ(asked.range.end, (moqt::Location{1, 1}));
}

TEST_F(LostUpstreamTest, TheFirstGroupIsMissedLikeAnyOther) {
  tree_.cut(*link_);
  publisher_.group(0, {"a"});
  publisher_.group(1, {"b"});
  tree_.link(0, 1);
  publisher_.group(2, {"c"});
  EXPECT_EQ(by_group(*subscriber_), (Lines{"0/0 a", "1/0 b", "2/0 c"}));
}

/// A relay below another that has subscribed to a track in the middle of group 0, behind 0/1.
class BegunInAGroupTest : public ::testing::Test {
 protected:
  BegunInAGroupTest() {
    publisher_.ends_groups = true;
    publisher_.announce();
    EXPECT_TRUE(subscriber_.session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
    moqt::MessageParameters parameters;
    parameters.set_largest_object({0, 1});
    publisher_.accept(parameters);
    // Somebody above keeps the track alive there while the relay below is away.
    EXPECT_TRUE(tree_.connect(upper_).session().subscribe(track_name(), from_largest()).ok());
    tree_.run();
  }

  RelayTree tree_;
  const std::size_t upper_ = tree_.add();
  const std::size_t lower_ = tree_.add({}, {moqt::TrackNamespace{}});
  RelayLink& link_ = tree_.link(lower_, upper_);
  RelayClient& source_ = tree_.connect(upper_);
  TreePublisher publisher_{tree_, source_};
  RelayClient& subscriber_ = tree_.connect(lower_);
};

TEST_F(BegunInAGroupTest, WhatThatHadOnItsWayIsFetchedAlthoughTheNextHasCome) {
  link_.pair.server.hold_data = true;
  const auto slow = publisher_.open(0);
  publisher_.object(slow, 2, "c");
  publisher_.finish(slow);
  const auto stream = publisher_.open(1);
  publisher_.object(stream, 0, "d");
  // Only the second of the two streams is not held up.
  auto& writer = link_.pair.server.streams.back();
  link_.pair.client.session.on_uni_stream_data(tree_.now, writer.id, base::SharedBytes::copy_of(writer.bytes), false);
  (void)tree_.at(lower_).on_events(link_.lower.number, tree_.now);
  tree_.run();
  ASSERT_EQ(objects(subscriber_), (Lines{"1/0 d"}));
  tree_.cut(link_);
  tree_.link(lower_, upper_);
  publisher_.object(stream, 1, "e");
  EXPECT_EQ(by_group(subscriber_), (Lines{"0/2 c", "1/0 d", "1/1 e"}));
  EXPECT_EQ(tree_.at(lower_).counters().backfills_failed, 0u);
}

TEST_F(BegunInAGroupTest, WhatTheUpstreamHasComesAlthoughNobodyKnowsOfThat) {
  const auto stream = publisher_.open(1);
  publisher_.object(stream, 0, "d");
  tree_.cut(link_);
  publisher_.object(stream, 1, "e");
  tree_.link(lower_, upper_);
  // Nothing of group 0 may have been left; the publisher does not answer FETCH.
  const auto asked = source_.only<ms::FetchReceived>();
  EXPECT_EQ(asked.range.start, (moqt::Location{0, 2}));
  ASSERT_TRUE(source_.session().reject(asked.request, moqt::RequestErrorCode::kNotSupported).ok());
  tree_.run();
  publisher_.object(stream, 2, "f");
  EXPECT_EQ(objects(subscriber_), (Lines{"1/0 d", "1/1 e", "1/2 f"}));
  EXPECT_EQ(tree_.at(lower_).counters().backfills_failed, 1u) << "perhaps something was missed all the same";
}

TEST_F(LostUpstreamTest, DatagramsThatWereMissedComeAsDatagrams) {
  const auto datagram = [&](std::uint64_t object, std::string_view payload) {
    // [d15 §10.3]: type 0x04 has no Object ID, which is 0 then; 0x00 has one.
    ms::DatagramProperties properties;
    properties.type = 0x00;
    properties.location = {1, object};
    properties.publisher_priority = 128;
    base::ByteVector bytes{1, static_cast<std::uint8_t>(object), 128};
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    EXPECT_TRUE(
        source_.session().send_datagram(publisher_.subscription, properties, base::SharedBytes::copy_of(bytes)).ok());
    tree_.run();
  };
  datagram(0, "a");
  tree_.cut(*link_);
  datagram(1, "b");
  tree_.link(0, 1);
  datagram(2, "c");
  EXPECT_EQ(objects(*subscriber_), (Lines{"1/0 a", "1/1 b", "1/2 c"}));
  EXPECT_EQ(subscriber_->count<ms::DatagramReceived>(), 3u);
}

}  // namespace
}  // namespace msquic_py::testing
