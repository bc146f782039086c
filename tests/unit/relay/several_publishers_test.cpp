// Several publishers of one track [d15 §8.3]: each object once, and none is lost with one of them.

#include <gtest/gtest.h>

#include "two_publishers.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using Lines = std::vector<std::string>;

class SeveralPublishersTest : public TwoPublishers {
 protected:
  void begin(RelayClient& client, ms::StreamHandle stream, std::uint64_t id, const char* bytes, std::uint64_t more) {
    ASSERT_TRUE(client.session().append_object(stream, id, base::SharedBytes::copy_of(hex(bytes)), 1, more).ok());
    network_.run();
  }
};

// [d15 §8.3-1]
TEST_F(SeveralPublishersTest, TheOtherGoesOnInTheMiddleOfAnObject) {
  const auto one = first_.open(0);
  const auto two = second_.open(0);
  begin(first_client_, one, 0, "00 06 6162", 4);  // "ab" of six bytes
  begin(second_client_, two, 0, "00 06 61", 5);   // behind the first one
  ASSERT_TRUE(first_client_.session().reset_stream(one, moqt::StreamResetCode::kInternalError).ok());
  network_.run();
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 ab..."}));
  ASSERT_TRUE(second_client_.session().append_payload(two, base::SharedBytes::copy_of(hex("6263646566"))).ok());
  network_.run();
  second_.object(two, 1, "g");
  second_.finish(two);
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 abcdef", "0/1 g"}));
  EXPECT_TRUE(viewer_.only<ms::SubgroupEnded>().finished);
  EXPECT_EQ(viewer_.count<ms::SubgroupOpened>(), 1u);
}

TEST_F(SeveralPublishersTest, AnotherBringsTheObjectWholeLater) {
  const auto one = first_.open(0);
  begin(first_client_, one, 0, "00 06 6162", 4);
  network_.lose(first_client_);
  const auto two = second_.open(0);
  second_.object(two, 0, "abcdef");
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 abcdef"}));
  EXPECT_EQ(viewer_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(SeveralPublishersTest, ASubgroupThatNobodyGoesOnWithIsGivenUp) {
  const auto one = first_.open(0);
  begin(first_client_, one, 0, "00 06 6162", 4);
  ASSERT_TRUE(first_client_.session().reset_stream(one, moqt::StreamResetCode::kDeliveryTimeout).ok());
  network_.run();
  EXPECT_EQ(viewer_.count<ms::SubgroupEnded>(), 0u);
  network_.advance(std::chrono::seconds(3));
  EXPECT_FALSE(viewer_.only<ms::SubgroupEnded>().finished);
}

// [d15 §8.3-1, §10.4.3-3, §10.4.3-4]
TEST_F(SeveralPublishersTest, WhatOneLeftOutTheOtherBrings) {
  const auto one = first_.open(0);
  first_.object(one, 0, "a");
  first_.object(one, 5, "f");
  const auto two = second_.open(0);
  second_.object(two, 0, "a");
  second_.object(two, 1, "b");
  second_.object(two, 2, "c");
  second_.object(two, 5, "f");
  second_.object(two, 6, "g");
  network_.advance(std::chrono::seconds(6));
  Lines received = objects(viewer_);
  std::sort(received.begin(), received.end());
  EXPECT_EQ(received, (Lines{"0/0 a", "0/1 b", "0/2 c", "0/5 f", "0/6 g"}));
}

// [d15 §2.2-1]
TEST_F(SeveralPublishersTest, TwoThatAlternateMakeOneStream) {
  const auto one = first_.open(0);
  const auto two = second_.open(0);
  first_.object(one, 0, "a");
  second_.object(two, 0, "a");
  second_.object(two, 1, "b");
  first_.object(one, 1, "b");
  first_.object(one, 2, "c");
  second_.object(two, 2, "c");
  first_.finish(one);
  second_.finish(two);
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
  EXPECT_EQ(viewer_.count<ms::SubgroupOpened>(), 1u);
  EXPECT_TRUE(viewer_.only<ms::SubgroupEnded>().finished);
}

TEST_F(SeveralPublishersTest, FortyGroupsWithFallingNumbersArrive) {
  for (std::uint64_t group = 40; group > 0; --group) {
    first_.group(group, {"x"});
    second_.group(group, {"x"});
  }
  EXPECT_EQ(objects(viewer_).size(), 40u);
}

TEST_F(SeveralPublishersTest, AGroupThatStaysOpenWhileFortyNewerOnesComeGoesOn) {
  const auto open = first_.open(0);
  first_.object(open, 0, "a");
  for (std::uint64_t group = 1; group <= 40; ++group) first_.group(group, {"x"});
  first_.object(open, 1, "b");
  first_.finish(open);
  const Lines received = objects(viewer_);
  EXPECT_EQ(received.size(), 42u);
  EXPECT_EQ(received.back(), "0/1 b");
}

// [d15 §8.3-2]
TEST_F(SeveralPublishersTest, FiveThousandDatagramsOfAGroupArriveOnce) {
  const auto send = [&](RelayClient& client, const TestPublisher& publisher, std::uint64_t id) {
    const ms::DatagramProperties properties{0x00, {2, id}, std::uint8_t{7}};
    base::ByteVector bytes{0x02};
    bytes.push_back(static_cast<std::uint8_t>(0x40 | (id >> 8)));  // two-byte integer
    bytes.push_back(static_cast<std::uint8_t>(id & 0xff));
    bytes.push_back(7);
    bytes.push_back('x');
    ASSERT_TRUE(
        client.session().send_datagram(publisher.subscription, properties, base::SharedBytes::copy_of(bytes)).ok());
  };
  for (std::uint64_t id = 0; id < 5000; ++id) {
    send(first_client_, first_, id);
    send(second_client_, second_, id);
    if (id % 100 == 0) network_.run();
  }
  network_.run();
  EXPECT_EQ(viewer_.count<ms::DatagramReceived>(), 5000u);
  EXPECT_EQ(network_.relay.counters().duplicates_dropped, 5000u);
}

// [d15 §2.1-1, §2.4.2-9, §8.1-1]
TEST_F(SeveralPublishersTest, DifferentContentForOneObjectIsMalformed) {
  first_.group(0, {"a"});
  second_.object(second_.open(0), 0, "bb");
  network_.advance(std::chrono::seconds(3));
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, 0x7u);  // MALFORMED_TRACK
}

// [d15 §2.4.2-5]
TEST_F(SeveralPublishersTest, AnObjectBehindTheEndOfItsSubgroupIsMalformed) {
  first_.group(0, {"a"});
  const auto two = second_.open(0);
  second_.object(two, 0, "a");
  second_.object(two, 1, "b");
  network_.advance(std::chrono::seconds(3));
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, 0x7u);  // MALFORMED_TRACK
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a"}));
}

// [d15 §2.4.2-5]
TEST_F(SeveralPublishersTest, TwoEndsOfOneSubgroupAreMalformed) {
  const auto two = second_.open(0);
  second_.object(two, 0, "a");
  first_.group(0, {"a", "b"});
  second_.finish(two);
  network_.advance(std::chrono::seconds(3));
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, 0x7u);
}

TEST_F(SeveralPublishersTest, WithoutACacheEachObjectStillComesOnce) {
  RelayLimits limits;
  limits.cache_duration = {};
  RelayNetwork network(limits);
  RelayClient& first_client = network.connect();
  RelayClient& second_client = network.connect();
  RelayClient& viewer = network.connect();
  TestPublisher first(network, first_client);
  TestPublisher second(network, second_client);
  first.announce();
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network.run();
  first.accept();
  second.announce({"live"});
  second.accept();
  for (std::uint64_t group = 0; group < 5; ++group) first.group(group, {"a", "b"});
  EXPECT_EQ(network.relay.counters().cached_bytes, 0u);
  network.lose(first_client);
  for (std::uint64_t group = 0; group < 6; ++group) second.group(group, {"a", "b"});
  EXPECT_EQ(objects(viewer).size(), 12u);
}

// [d15 §8.1-2]
TEST_F(SeveralPublishersTest, AMalformedTrackLeavesTheOtherPublishersStreamAlone) {
  const auto one = first_.open(0);
  first_.object(one, 0, "a");
  const auto two = second_.open(0);
  second_.object(two, 0, "bb");  // the same object, of another length
  network_.run();
  (void)first_client_.session().append_object(one, 1, object_bytes("c"), 1);  // nobody wants it any more
  network_.advance(std::chrono::seconds(3));
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, 0x7u);
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a"}));
}

TEST_F(SeveralPublishersTest, ARestartedPublisherThatCountsFromZeroAgainIsHeard) {
  network_.lose(second_client_);
  first_.group(0, {"a"});
  first_.group(1, {"b"});
  network_.lose(first_client_);
  RelayClient& client = network_.connect();
  TestPublisher again(network_, client);
  again.announce();
  RelayClient& viewer = network_.connect();
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network_.run();
  again.accept();
  again.group(0, {"x"});
  EXPECT_EQ(objects(viewer), (Lines{"0/0 x"}));
}

/// Two publishers are asked at once; the second one answers before it has published anything, and that takes its time.
class SlowAnswerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    first_.announce();
    second_.announce();
    ASSERT_TRUE(viewer_.session().subscribe(track_name()).ok());
    network_.run();
    first_.accept();
  }
  void bring_and_lose(std::uint64_t id) {
    first_.object(first_.open(0), id, "b");
    network_.lose(first_client_);
    second_.accept();
  }

  RelayNetwork network_;
  RelayClient& first_client_ = network_.connect();
  RelayClient& second_client_ = network_.connect();
  RelayClient& viewer_ = network_.connect();
  TestPublisher first_{network_, first_client_};
  TestPublisher second_{network_, second_client_};
};

TEST_F(SlowAnswerTest, WhatTheLostOneBroughtAlreadyDoesNotComeAgain) {
  bring_and_lose(0);
  const auto two = second_.open(0);
  second_.object(two, 0, "b");
  second_.object(two, 1, "c");
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 b", "0/1 c"}));
}

TEST_F(SlowAnswerTest, WhatIsSomethingElseLeavesNoStreamOpen) {
  bring_and_lose(1);
  second_.object(second_.open(0), 0, "x");
  network_.advance(std::chrono::seconds(6));
  EXPECT_EQ(objects(viewer_), (Lines{"0/1 b", "0/0 x"}));
  EXPECT_FALSE(viewer_.only<ms::SubgroupEnded>().finished);
}

TEST_F(SeveralPublishersTest, TheSlowerOneThatAnswersFirstIsNotTakenForSomethingNew) {
  const auto one = first_.open(0);
  first_.object(one, 0, "a");
  first_.object(one, 1, "b");
  second_.object(second_.open(0), 0, "a");
  ASSERT_TRUE(viewer_.session().cancel(viewer_.only<ms::RequestAccepted>().request).ok());
  network_.run();
  RelayClient& later = network_.connect();
  ASSERT_TRUE(later.session().subscribe(track_name(), from_largest()).ok());
  network_.run();
  moqt::MessageParameters behind;
  behind.set_largest_object({0, 0});
  second_.accept(behind);
  EXPECT_EQ(later.only<ms::RequestAccepted>().parameters.largest_object(), (moqt::Location{0, 1}));
  moqt::MessageParameters ahead;
  ahead.set_largest_object({0, 1});
  first_.accept(ahead);
  const auto slow = second_.open(0);
  second_.object(slow, 1, "b");
  first_.object(first_.open(0), 2, "c");
  second_.object(slow, 2, "c");
  EXPECT_EQ(objects(later), (Lines{"0/2 c"}));
}

// [d15 §2.4.2-9, §8.1-1]
TEST_F(SeveralPublishersTest, AnObjectThatTheOtherHasWithAnotherPayloadMakesTheTrackMalformed) {
  const auto one = first_.open(0);
  const auto two = second_.open(0);
  first_.object(one, 0, "abc");
  second_.object(two, 0, "abX");
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kMalformedTrack));
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 abc"}));
  EXPECT_EQ(network_.relay.counters().malformed_tracks, 1u);
  // The sessions live, and whoever asks anew gets the track from those who still publish it.
  viewer_.pair.clear_events();
  first_client_.pair.clear_events();
  ASSERT_TRUE(viewer_.session().subscribe(track_name()).ok());
  network_.run();
  first_.accept();
  first_.group(1, {"d"});
  EXPECT_EQ(objects(viewer_), (Lines{"1/0 d"}));
}

TEST_F(SeveralPublishersTest, SoDoBytesThatDifferLaterInThePayload) {
  const auto one = first_.open(0);
  const auto two = second_.open(0);
  begin(first_client_, one, 0, "00 06 61626364", 2);  // "abcd" of six bytes
  begin(second_client_, two, 0, "00 06 6162", 4);     // the same so far
  EXPECT_EQ(viewer_.count<ms::SubscriptionDone>(), 0u);
  ASSERT_TRUE(
      second_client_.session().append_payload(two, base::SharedBytes::copy_of(hex("63786566"))).ok());  // "cxef"
  network_.run();
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kMalformedTrack));
}

// [d15 §2.4.2-9]
TEST_F(SeveralPublishersTest, OnlyTheImmutableExtensionsOfBothHaveToBeTheSame) {
  const auto open = [&](RelayClient& client, const TestPublisher& publisher, std::uint64_t group) {
    ms::SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = 0;
    properties.extensions = true;
    return *client.session().open_subgroup(publisher.subscription, properties);
  };
  const auto object = [&](RelayClient& client, ms::StreamHandle stream, const char* bytes) {
    ASSERT_TRUE(client.session().append_object(stream, 0, base::SharedBytes::copy_of(hex(bytes)), 1, 0).ok());
    network_.run();
  };
  // Delta 0, the length of the extensions, type 0x20 with a number; or type 0x0b with two bytes of pairs inside it.
  object(first_client_, open(first_client_, first_, 0), "00 02 2007 01 61");
  object(second_client_, open(second_client_, second_, 0), "00 02 2008 01 61");
  EXPECT_EQ(viewer_.count<ms::SubscriptionDone>(), 0u);
  object(first_client_, open(first_client_, first_, 1), "00 04 0b02 2007 01 61");
  object(second_client_, open(second_client_, second_, 1), "00 04 0b02 2008 01 61");
  EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code,
            static_cast<std::uint64_t>(moqt::PublishDoneCode::kMalformedTrack));
}

// [d15 §10.4.3-3]
TEST_F(SeveralPublishersTest, WhatLiesBetweenInAnotherSubgroupDoesNotEndAStream) {
  const auto one = first_.open(0, 0);
  first_.object(one, 0, "a");
  first_.object(first_.open(0, 1), 1, "b");
  // The second one's stream begins behind the first object: on it nothing says what comes before.
  second_.object(second_.open(0, 0), 2, "c");
  network_.advance(std::chrono::seconds(6));
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
  EXPECT_EQ(viewer_.count<ms::SubgroupOpened>(), 2u);
}

/// A publisher that comes when a group is half over: its subscription begins behind the object 0/1.
class LatePublisherTest : public TwoPublishers {
 protected:
  LatePublisherTest() : TwoPublishers(began_later()) {}

 private:
  static moqt::MessageParameters began_later() {
    moqt::MessageParameters parameters;
    parameters.set_largest_object({0, 1});
    return parameters;
  }
};

// [d15 §10.4.3-2]
TEST_F(LatePublisherTest, ItsFinSaysNothingOfWhatCameBefore) {
  const auto two = second_.open(0);
  second_.object(two, 2, "c");
  second_.finish(two);
  network_.advance(std::chrono::seconds(6));
  EXPECT_EQ(objects(viewer_), (Lines{"0/2 c"}));
  EXPECT_FALSE(viewer_.only<ms::SubgroupEnded>().finished);
}

TEST_F(LatePublisherTest, ItsFinIsPassedOnWhenTheOtherBroughtWhatCameBefore) {
  const auto one = first_.open(0);
  first_.object(one, 0, "a");
  first_.object(one, 1, "b");
  const auto two = second_.open(0);
  second_.object(two, 2, "c");
  second_.finish(two);
  EXPECT_EQ(viewer_.count<ms::SubgroupEnded>(), 0u);  // the other may know of more
  ASSERT_TRUE(first_client_.session().reset_stream(one, moqt::StreamResetCode::kInternalError).ok());
  network_.run();
  EXPECT_EQ(objects(viewer_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
  EXPECT_TRUE(viewer_.only<ms::SubgroupEnded>().finished);
}

}  // namespace
}  // namespace msquic_py::relay
