// What becomes of a track that breaks the rules, over all its publishers and all who receive it [d15 §2.4.2].

#include <gtest/gtest.h>

#include "two_publishers.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using Lines = std::vector<std::string>;

constexpr std::uint64_t kMalformed = 0x7;  // PUBLISH_DONE's MALFORMED_TRACK

/// Two publishers of one track, somebody who is subscribed to it, and somebody who fetches.
class MalformedTracksTest : public TwoPublishers {
 protected:
  void expect_ended() {
    network_.advance(std::chrono::seconds(3));
    ASSERT_EQ(viewer_.count<ms::SubscriptionDone>(), 1u);
    EXPECT_EQ(viewer_.only<ms::SubscriptionDone>().code, kMalformed);
  }
  ms::RequestHandle fetch(moqt::Location start, moqt::Location end) {
    const auto request = fetcher_.session().fetch(track_name(), start, end);
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  /// An object with a stream of its own, of which nothing else follows.
  void object_in(TestPublisher& publisher, std::uint64_t subgroup, std::uint64_t id, std::string_view payload) {
    publisher.object(publisher.open(0, subgroup), id, payload);
  }
  void datagram(RelayClient& client, const TestPublisher& publisher, std::string_view after_alias) {
    const ms::DatagramProperties properties{0x00, {0, 0}, std::uint8_t{128}};
    (void)client.session().send_datagram(publisher.subscription, properties,
                                         base::SharedBytes::copy_of(hex(after_alias)));
    network_.run();
  }

  RelayClient& fetcher_ = network_.connect();
};

// [d15 §2.4.2-2]
TEST_F(MalformedTracksTest, TakesTheFetchesOfOthersAlong) {
  const auto stream = first_.open(0);
  first_.object(stream, 0, "a");
  // Object 1 is four bytes long, of which one has come: the fetch waits for the others.
  const auto begin = base::SharedBytes::copy_of(hex("00 04 62"));
  ASSERT_TRUE(first_client_.session().append_object(stream, 1, begin, 1, 3).ok());
  network_.run();
  fetch({0, 0}, {0, 2});
  ASSERT_EQ(fetcher_.count<ms::FetchObjectReceived>(), 2u);
  // Somebody else waits between two objects: for one of group 1, which the relay asks for in vain.
  first_.object(first_.open(2), 0, "c");
  RelayClient& waiting = network_.connect();
  ASSERT_TRUE(waiting.session().fetch(track_name(), {1, 0}, {2, 1}).ok());
  network_.run();
  ASSERT_EQ(first_client_.count<ms::FetchReceived>(), 1u);
  object_in(second_, 0, 0, "longer");  // object 0 again, of another length
  EXPECT_EQ(fetcher_.count<ms::FetchEnded>(), 1u);
  EXPECT_FALSE(fetcher_.only<ms::FetchEnded>().finished);
  EXPECT_EQ(waiting.count<ms::FetchEnded>() + waiting.count<ms::RequestRejected>(), 1u);
  EXPECT_EQ(first_client_.count<ms::FetchCancelled>(), 1u);
  EXPECT_EQ(first_client_.count<ms::FetchReceived>() + second_client_.count<ms::FetchReceived>(), 1u)
      << "nobody is asked for more of it";
  expect_ended();
}

// [d15 §2.4.2-2, §2.4.2-1]
TEST_F(MalformedTracksTest, FoundByAFetchEndsTheSubscriptionsToo) {
  object_in(first_, 0, 2, "a");
  fetch({0, 0}, {0, 3});  // objects 0 and 1 are not known here
  const auto asked = first_client_.all<ms::FetchReceived>();
  ASSERT_EQ(asked.size(), 1u);
  object_in(first_, 1, 1, "a");  // comes alive meanwhile
  ms::Session& session = first_client_.session();
  ASSERT_TRUE(session.accept_fetch(asked[0].request, {false, {0, 2}}).ok());
  const auto stream = session.open_fetch(asked[0].request);
  ASSERT_TRUE(stream.ok());
  ms::FetchObject other;
  other.location = {0, 1};
  other.subgroup = 1;
  other.payload = base::SharedBytes::copy_of(hex("6262"));
  other.payload_length = 2;
  ASSERT_TRUE(session.append_fetch_object(*stream, other).ok());
  network_.run();
  EXPECT_EQ(first_client_.count<ms::FetchCancelled>(), 1u);
  EXPECT_EQ(first_client_.count<ms::Unsubscribed>(), 1u) << "that publisher's subscription ends as well";
  // MALFORMED_TRACK; or a reset when FETCH_OK has gone out, which may overtake the header of its stream.
  for (const auto& rejected : fetcher_.all<ms::RequestRejected>()) EXPECT_EQ(rejected.code, 0x12u);
  EXPECT_EQ(fetcher_.pair.server.session.open_requests(), 0u);
  expect_ended();
}

// [d15 §8.1-1, §2.4.2-9]
TEST_F(MalformedTracksTest, OneObjectInTwoSubgroups) {
  object_in(first_, 0, 5, "a");
  object_in(second_, 1, 5, "a");
  expect_ended();
  EXPECT_EQ(objects(viewer_), Lines{"0/5 a"});
}

// [d15 §8.1-1, §2.4.2-9]
TEST_F(MalformedTracksTest, OneObjectWithTwoPayloadsOfOneLength) {
  object_in(first_, 0, 0, "a");
  object_in(second_, 0, 0, "b");
  expect_ended();
  EXPECT_EQ(objects(viewer_), Lines{"0/0 a"});
}

// [d15 §8.1-1, §2.4.2-9]
TEST_F(MalformedTracksTest, OneDatagramWithTwoPayloadsOfOneLength) {
  datagram(first_client_, first_, "00 00 80 61");
  datagram(second_client_, second_, "00 00 80 62");
  expect_ended();
  EXPECT_EQ(objects(viewer_), Lines{"0/0 a"});
}

// [d15 §8.1-1, §2.4.2-9]
TEST_F(MalformedTracksTest, OneDatagramWithTwoPriorities) {
  datagram(first_client_, first_, "00 00 80 61");
  datagram(second_client_, second_, "00 00 81 61");
  expect_ended();
}

// [d15 §8.1-1, §2.4.2-10]
TEST_F(MalformedTracksTest, StreamsOfOnePublisherAndDatagramsOfAnother) {
  object_in(first_, 0, 0, "a");
  datagram(second_client_, second_, "00 00 80 61");
  expect_ended();
  EXPECT_EQ(objects(viewer_), Lines{"0/0 a"});
}

// [d15 §8.1-1, §2.4.2-10]
TEST_F(MalformedTracksTest, DatagramsOfOnePublisherAndStreamsOfAnother) {
  datagram(first_client_, first_, "00 00 80 61");
  object_in(second_, 0, 0, "a");
  expect_ended();
}

// [d15 §8.1-2, §2.4.2-3]
TEST_F(MalformedTracksTest, NothingOfWhatBrokeTheRulesIsKept) {
  object_in(first_, 0, 0, "a");
  object_in(second_, 0, 0, "b");
  expect_ended();
  EXPECT_EQ(network_.relay.counters().cached_bytes, 0u);
}

}  // namespace
}  // namespace msquic_py::relay
