#include "unit/transport/conformance.h"

namespace msquic_py::transport::testing {
namespace {

class Connections : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Connections, ::testing::ValuesIn(carriers()),
                         [](const auto& each) { return each.param; });

TEST_P(Connections, KnowWhatTheySpeak) {
  EXPECT_EQ(client().capabilities->protocol, "moqt-15");
  EXPECT_EQ(server().capabilities->protocol, "moqt-15");
  EXPECT_FALSE(client().capabilities->resumed);
  EXPECT_FALSE(ends.client->is_server());
  EXPECT_TRUE(ends.server->is_server());
}

TEST_P(Connections, CloseWithCodeReasonAndSide) {
  auto stream = open(1);
  send(*stream, "x");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1; }));
  ends.server->close(0x12, "enough");
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_EQ(client().closed->cause, CloseReason::Cause::PeerApplication);
  EXPECT_EQ(client().closed->code, 0x12u);
  EXPECT_EQ(client().closed->reason, "enough");
  EXPECT_TRUE(client().closed->remote);
  EXPECT_TRUE(client().closed->handshake_completed);
  EXPECT_TRUE(client().all_streams_ended_before);
  EXPECT_TRUE(client().streams[1].with_connection);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_EQ(server().closed->cause, CloseReason::Cause::LocalApplication);
  EXPECT_EQ(server().closed->code, 0x12u);
  EXPECT_FALSE(server().closed->remote);
  EXPECT_TRUE(server().all_streams_ended_before);
}

TEST_P(Connections, CloseOnceWhoeverCallsTwice) {
  ends.client->close(1, "first");
  ends.client->close(2, "second");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_EQ(server().closed->code, 1u);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_EQ(client().closed->code, 1u);
  EXPECT_EQ(client().closed_times, 1);
}

TEST_P(Connections, TakeNothingOnceTheyClose) {
  auto stream = open(1);
  send(*stream, "x");
  ends.client->close(0, "");
  EXPECT_FALSE(ends.client->open_stream(Direction::Unidirectional, 2).ok());
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_FALSE(stream->send(slices({"y"}), false, 2).ok());
  EXPECT_FALSE(ends.client->send_datagram(slices({"y"}), 3).ok());
}

TEST_P(Connections, GiveUpWhatHasNotArrivedWhenTheyClose) {
  connect({.stream_window = 16 * 1024});
  server().takes = 0;
  auto stream = open(1);
  send(*stream, std::string(200'000, 'x'), true, 8);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return !at.arrivals.empty(); }));
  ends.client->close(5, "");
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.closed.has_value(); }));
  ASSERT_EQ(client().streams[1].sent.size(), 1u);
  EXPECT_TRUE(client().streams[1].sent.front().second);
}

TEST_P(Connections, WithoutAHandleCloseWithZero) {
  ends.client.reset();
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.closed.has_value(); }));
  EXPECT_EQ(server().closed->cause, CloseReason::Cause::PeerApplication);
  EXPECT_EQ(server().closed->code, 0u);
}

TEST_P(Connections, ReportWhatTheyCanSend) {
  if (!client().capabilities->reports) GTEST_SKIP() << "the carrier makes no reports";
  auto stream = open(1);
  send(*stream, std::string(100'000, 'x'), true);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.reports > 0 && at.report.posted_bytes == 0; }));
  EXPECT_GT(client().report.congestion_window, 0u);
  EXPECT_GE(client().report.round_trip.count(), 0);
}

class Datagrams : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Datagrams, ::testing::ValuesIn(carriers()), [](const auto& each) { return each.param; });

TEST_P(Datagrams, ArriveWhole) {
  if (!client().capabilities->datagrams) GTEST_SKIP() << "the carrier has no datagrams";
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.datagram_size > 0; }));
  EXPECT_TRUE(ends.client->send_datagram(slices({"he", "llo"}), 3).ok());
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.datagrams.size() == 1; }));
  EXPECT_EQ(server().datagrams.front(), "hello");
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.datagrams_sent.size() == 1; }));
  EXPECT_EQ(client().datagrams_sent.front(), std::pair(std::uint64_t{3}, false));
}

TEST_P(Datagrams, AreAsLargeAsTheySay) {
  if (!client().capabilities->datagrams) GTEST_SKIP() << "the carrier has no datagrams";
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.datagram_size > 0; }));
  const std::size_t largest = ends.client->max_datagram_size();
  EXPECT_GE(largest, 1000u);
  const auto refused = ends.client->send_datagram(slices({std::string(70'000, 'x')}), 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), TransportError::DatagramTooLarge);
  EXPECT_TRUE(ends.client->send_datagram(slices({std::string(largest, 'x')}), 2).ok());
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.datagrams.size() == 1; }));
  EXPECT_EQ(server().datagrams.front().size(), largest);
}

TEST_P(Datagrams, ThatThePeerDoesNotTakeAreRefused) {
  connect({.datagrams = false});
  const auto refused = ends.client->send_datagram(slices({"x"}), 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), TransportError::DatagramsUnavailable);
  EXPECT_EQ(ends.client->max_datagram_size(), 0u);
  EXPECT_FALSE(client().capabilities->datagrams);
}

}  // namespace
}  // namespace msquic_py::transport::testing
