// How objects go from one publisher to the relay's subscribers.

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using Lines = std::vector<std::string>;

class ForwardingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    publisher_.announce();
    first_request_ = subscribe(first_);
    publisher_.accept();
  }
  ms::RequestHandle subscribe(RelayClient& client, std::optional<moqt::SubscriptionFilter> filter = {},
                              bool forward = true) {
    moqt::MessageParameters parameters;
    if (filter) parameters.set_filter(*filter);
    if (!forward) parameters.set_forward(false);
    const auto request = client.session().subscribe(track_name(), std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  void set_forward(RelayClient& client, ms::RequestHandle subscription, bool forward) {
    moqt::MessageParameters parameters;
    parameters.set_forward(forward);
    EXPECT_TRUE(client.session().update(subscription, std::move(parameters)).ok());
    network_.run();
  }
  /// The bytes on the newest stream that the relay writes to `client`, kept from arriving.
  static std::string stream_bytes(const RelayClient& client) {
    std::string text;
    for (const std::uint8_t byte : client.pair.server.streams.back().bytes) {
      static constexpr char kDigits[] = "0123456789abcdef";
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text;
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& first_ = network_.connect();
  RelayClient& late_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
  ms::RequestHandle first_request_;
};

// [d15 §10.4.3-6]
TEST_F(ForwardingTest, StopSendingEndsASubgroupForThatSubscriberForGood) {
  subscribe(late_);
  const auto stream = publisher_.open(0);
  const auto sibling = publisher_.open(0, 1);
  publisher_.object(stream, 0, "a");
  publisher_.object(sibling, 1, "b");
  first_.session().stop_stream(first_.all<ms::SubgroupOpened>()[0].stream, moqt::StreamResetCode::kCancelled);
  network_.run();
  publisher_.object(stream, 2, "c");
  publisher_.object(stream, 4, "d");
  publisher_.object(sibling, 5, "e");
  publisher_.finish(stream);
  publisher_.group(1, {"f"});
  EXPECT_EQ(objects(first_), (Lines{"0/0 a", "0/1 b", "0/5 e", "1/0 f"}));
  EXPECT_EQ(first_.count<ms::SubgroupOpened>(), 3u) << "the subgroup was opened again (section 10.4.3)";
  EXPECT_EQ(first_.pair.server.done<ms::ResetStream>().size(), 1u);
  EXPECT_EQ(objects(late_), (Lines{"0/0 a", "0/1 b", "0/2 c", "0/4 d", "0/5 e", "1/0 f"}));
  EXPECT_EQ(first_.count<ms::SubscriptionDone>(), 0u);
}

TEST_F(ForwardingTest, StopSendingInTheMiddleOfAnObjectEndsItsSubgroup) {
  const auto stream = publisher_.open(0);
  const auto begin = base::SharedBytes::copy_of(hex("00 04 78"));  // object 0, four bytes, the first one here
  ASSERT_TRUE(publisher_client_.session().append_object(stream, 0, begin, 1, 3).ok());
  network_.run();
  first_.session().stop_stream(first_.only<ms::SubgroupOpened>().stream, moqt::StreamResetCode::kCancelled);
  network_.run();
  ASSERT_TRUE(publisher_client_.session().append_payload(stream, base::SharedBytes::copy_of(hex("797a7a"))).ok());
  network_.run();
  publisher_.object(stream, 1, "b");
  EXPECT_EQ(first_.count<ms::SubgroupOpened>(), 1u);
}

TEST_F(ForwardingTest, StopSendingOutlastsAPause) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  first_.session().stop_stream(first_.only<ms::SubgroupOpened>().stream, moqt::StreamResetCode::kCancelled);
  network_.run();
  for (const bool forward : {false, true}) {
    set_forward(first_, first_request_, forward);
  }
  publisher_.object(stream, 1, "b");
  EXPECT_EQ(objects(first_), Lines{"0/0 a"});
}

TEST_F(ForwardingTest, APauseBetweenTwoObjectsCostsNone) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  for (const bool forward : {false, true}) {
    set_forward(first_, first_request_, forward);
  }
  publisher_.object(stream, 1, "b");
  publisher_.object(stream, 2, "c");
  EXPECT_EQ(objects(first_), (Lines{"0/0 a", "0/1 b", "0/2 c"}));
}

// [d15 §2.1-2, §8.4-4, §8.6-1, §8.6-2, §8.6-3, §10.2.1-2]
TEST_F(ForwardingTest, WritesTheObjectsAsTheyCame) {
  first_.pair.server.hold_data = true;
  const auto stream = publisher_.open(5, 2);
  publisher_.object(stream, 0, "abc");
  publisher_.object(stream, 1, "de");
  publisher_.finish(stream);
  // SUBGROUP_HEADER with Subgroup ID and, as the publisher gave none, without Publisher Priority (0x34) or with it
  // (0x14, 80); alias, group 5, subgroup 2; then each object: delta 0, length, payload.
  const std::string bytes = stream_bytes(first_);
  const std::string objects_on_wire =
      "0003616263"
      "00026465";
  EXPECT_EQ(bytes.substr(bytes.size() - objects_on_wire.size()), objects_on_wire);
  EXPECT_TRUE(bytes.starts_with("14") || bytes.starts_with("34")) << bytes;
  EXPECT_EQ(bytes.substr(4, 4), "0502") << bytes;
  EXPECT_TRUE(first_.pair.server.streams.back().fin);
}

// [d15 §2.1-2, §5.1-6, §8.6-3]
TEST_F(ForwardingTest, ForwardsThePartsOfAnObjectAsTheyArrive) {
  const auto stream = publisher_.open(0);
  const auto begin = base::SharedBytes::copy_of(hex("00 06 6162"));  // delta 0, length 6, "ab"
  ASSERT_TRUE(publisher_client_.session().append_object(stream, 0, begin, 1, 4).ok());
  network_.run();
  EXPECT_EQ(objects(first_), (Lines{"0/0 ab..."}));
  subscribe(late_, moqt::SubscriptionFilter::largest_object());  // in the middle of the object: not for it
  ASSERT_TRUE(publisher_client_.session().append_payload(stream, base::SharedBytes::copy_of(hex("63646566"))).ok());
  network_.run();
  EXPECT_EQ(objects(first_), (Lines{"0/0 abcdef"}));
  EXPECT_TRUE(objects(late_).empty());
}

// [d15 §10.4.3-1]
TEST_F(ForwardingTest, PassesFinOn) {
  publisher_.group(0, {"a"});
  EXPECT_TRUE(first_.only<ms::SubgroupEnded>().finished);
}

// [d15 §10.4.3-5]
TEST_F(ForwardingTest, PassesAResetOnWithItsCode) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  ASSERT_TRUE(publisher_client_.session().reset_stream(stream, moqt::StreamResetCode::kDeliveryTimeout).ok());
  network_.run();
  const auto end = first_.only<ms::SubgroupEnded>();
  EXPECT_FALSE(end.finished);
  EXPECT_EQ(end.reset_code, 0x2u);
}

TEST_F(ForwardingTest, StartsANextGroupSubscriberWithTheNextGroup) {
  const auto stream = publisher_.open(3);
  publisher_.object(stream, 0, "a");
  subscribe(late_, moqt::SubscriptionFilter::next_group_start());
  publisher_.object(stream, 1, "b");
  publisher_.finish(stream);
  publisher_.group(4, {"c"});
  EXPECT_EQ(objects(late_), (Lines{"4/0 c"}));
  EXPECT_EQ(objects(first_), (Lines{"3/0 a", "3/1 b", "4/0 c"}));
}

TEST_F(ForwardingTest, StartsALargestObjectSubscriberInTheMiddleOfAGroup) {
  const auto stream = publisher_.open(3);
  publisher_.object(stream, 0, "a");
  publisher_.object(stream, 1, "b");
  subscribe(late_, moqt::SubscriptionFilter::largest_object());
  late_.pair.server.hold_data = true;
  publisher_.object(stream, 2, "c");
  publisher_.object(stream, 3, "d");
  // On its stream the first delta is the Object ID itself (2), the next one 0.
  const std::string bytes = stream_bytes(late_);
  const std::string tail =
      "02"
      "01"
      "63"
      "00"
      "01"
      "64";
  EXPECT_EQ(bytes.substr(bytes.size() - tail.size()), tail);
  late_.pair.server.hold_data = false;
  publisher_.finish(stream);
  EXPECT_EQ(objects(late_), (Lines{"3/2 c", "3/3 d"}));
  EXPECT_TRUE(late_.only<ms::SubgroupEnded>().finished);  // everything since the start of the subscription
}

// [d15 §9.9-5]
TEST_F(ForwardingTest, HonoursAbsoluteFilters) {
  publisher_.group(0, {"a"});
  subscribe(late_, moqt::SubscriptionFilter::absolute_range({2, 1}, 3));
  for (std::uint64_t group = 1; group <= 4; ++group) publisher_.group(group, {"x", "y"});
  EXPECT_EQ(objects(late_), (Lines{"2/1 y", "3/0 x", "3/1 y"}));
}

// [d15 §9.9-4]
TEST_F(ForwardingTest, RefusesARangeThatIsOver) {
  publisher_.group(5, {"a"});
  subscribe(late_, moqt::SubscriptionFilter::absolute_range({0, 0}, 4));
  EXPECT_EQ(late_.only<ms::RequestRejected>().code, 0x11u);  // INVALID_RANGE
}

// [d15 §8.4-4, §10.4.3-2, §10.4.3-3, §10.4.3-4]
TEST_F(ForwardingTest, DoesNotFinishAStreamWithAGap) {
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  set_forward(first_, first_request_, false);
  publisher_.object(stream, 1, "b");
  set_forward(first_, first_request_, true);
  publisher_.object(stream, 2, "c");
  publisher_.finish(stream);
  network_.advance(std::chrono::seconds(6));

  EXPECT_EQ(objects(first_), (Lines{"0/0 a", "0/2 c"}));
  const auto ends = first_.all<ms::SubgroupEnded>();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_FALSE(ends[0].finished);
  EXPECT_FALSE(ends[1].finished);
}

TEST_F(ForwardingTest, SendsNothingWhileForwardIsOff) {
  const auto request = subscribe(late_, {}, false);
  publisher_.group(0, {"a"});
  EXPECT_TRUE(objects(late_).empty());
  set_forward(late_, request, true);
  publisher_.group(1, {"b"});
  EXPECT_EQ(objects(late_), (Lines{"1/0 b"}));
}

TEST_F(ForwardingTest, LeavesTheOthersAloneWhenOneStopsAStream) {
  subscribe(late_);
  const auto stream = publisher_.open(0);
  publisher_.object(stream, 0, "a");
  first_.session().stop_stream(first_.only<ms::SubgroupOpened>().stream, moqt::StreamResetCode::kCancelled);
  network_.run();
  publisher_.object(stream, 1, "b");
  publisher_.finish(stream);
  EXPECT_EQ(objects(late_), (Lines{"0/0 a", "0/1 b"}));
  EXPECT_TRUE(late_.only<ms::SubgroupEnded>().finished);
}

// [d15 §10.2.1-2]
TEST_F(ForwardingTest, ForwardsDatagrams) {
  // Object 0x01 of group 2, type 0x00 (Object ID and Publisher Priority present): ID, priority 0x07, payload "hi".
  const ms::DatagramProperties properties{0x00, {2, 1}, std::uint8_t{7}};
  const auto after_alias = base::SharedBytes::copy_of(hex("02 01 07 6869"));
  ASSERT_TRUE(publisher_client_.session().send_datagram(publisher_.subscription, properties, after_alias).ok());
  network_.run();
  const auto received = first_.only<ms::DatagramReceived>();
  EXPECT_EQ(received.publisher_priority, 7);
  EXPECT_EQ(objects(first_), (Lines{"2/1 hi"}));
}

// [d15 §8.3-2, §8.5-8]
TEST_F(ForwardingTest, SendsEachObjectOnceWhenTwoPublishersHaveIt) {
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  second.announce({"live"});  // wanted already: the relay asks at once
  second.accept();
  publisher_.group(0, {"a", "b"});
  second.group(0, {"a", "b"});
  second.group(1, {"c"});
  publisher_.group(1, {"c"});
  EXPECT_EQ(objects(first_), (Lines{"0/0 a", "0/1 b", "1/0 c"}));
  EXPECT_EQ(network_.relay.counters().duplicates_dropped, 3u);
}

// [d15 §8.3-1]
TEST_F(ForwardingTest, GoesOnWithOnePublisherWhenTheOtherIsDone) {
  RelayClient& other = network_.connect();
  TestPublisher second(network_, other);
  second.announce({"live"});
  second.accept();
  publisher_.group(0, {"a"});
  ASSERT_TRUE(
      publisher_client_.session().publish_done(publisher_.subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  network_.run();
  second.group(1, {"b"});
  EXPECT_EQ(first_.count<ms::SubscriptionDone>(), 0u);
  EXPECT_EQ(objects(first_), (Lines{"0/0 a", "1/0 b"}));
}

// [d15 §2.4.2-2, §2.4.2-3, §2.4.2-10]
TEST_F(ForwardingTest, EndsAMalformedTrack) {
  publisher_.group(0, {"a"});
  // A datagram of a track that has streams: the forwarding preference changed [d15 §2.4.2].
  const ms::DatagramProperties properties{0x00, {1, 0}, std::uint8_t{128}};
  const auto after_alias = base::SharedBytes::copy_of(hex("01 00 80 7a"));
  (void)publisher_client_.session().send_datagram(publisher_.subscription, properties, after_alias);
  network_.run();
  network_.advance(std::chrono::seconds(3));
  EXPECT_EQ(first_.only<ms::SubscriptionDone>().code, 0x7u);  // MALFORMED_TRACK
  EXPECT_EQ(publisher_client_.count<ms::Unsubscribed>(), 1u);
  EXPECT_EQ(objects(first_), (Lines{"0/0 a"}));  // what broke the rule is not forwarded
  EXPECT_EQ(network_.relay.counters().malformed_tracks, 1u);
}

}  // namespace
}  // namespace msquic_py::relay
