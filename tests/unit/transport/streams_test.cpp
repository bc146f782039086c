#include "unit/transport/conformance.h"

namespace msquic_py::transport::testing {
namespace {

class Streams : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Streams, ::testing::ValuesIn(carriers()), [](const auto& each) { return each.param; });

TEST_P(Streams, CarryWhatSeveralSlicesHoldAndItsEnd) {
  auto stream = open(7);
  EXPECT_TRUE(stream->send(slices({"ab", "", "cde"}), false, 11).ok());
  EXPECT_TRUE(stream->send(slices({"f"}), true, 12).ok());
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().fin; }));
  EXPECT_EQ(server().peer_stream().received, "abcdef");
  EXPECT_EQ(server().peer_stream().direction, Direction::Unidirectional);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[7].closed == 1; }));
  const std::vector<std::pair<std::uint64_t, bool>> both{{11, false}, {12, false}};
  EXPECT_EQ(client().streams[7].sent, both);
  EXPECT_FALSE(client().streams[7].with_connection);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().closed == 1; }));
}

TEST_P(Streams, AreKnownToThePeerFromTheirFirstSendOn) {
  const auto silent = open(1);
  auto stream = open(2);
  send(*stream, "x");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams > 0 && !at.peer_stream().received.empty(); }));
  EXPECT_EQ(server().peer_streams, 1u);
}

TEST_P(Streams, OfBothDirectionsAreAnswered) {
  auto stream = open(1, Direction::Bidirectional);
  send(*stream, "question", true);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().fin; }));
  EXPECT_EQ(server().peer_stream().direction, Direction::Bidirectional);
  send(*server().peer_stream().handle, "answer", true);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].fin && at.streams[1].closed == 1; }));
  EXPECT_EQ(client().streams[1].received, "answer");
}

TEST_P(Streams, MayEndWithoutAByte) {
  auto stream = open(1);
  EXPECT_TRUE(stream->send({}, true, 5).ok());
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().fin; }));
  EXPECT_EQ(server().peer_stream().received, "");
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
  EXPECT_EQ(client().streams[1].sent.size(), 1u);
}

TEST_P(Streams, TakeNothingAfterTheirEnd) {
  auto stream = open(1);
  send(*stream, "x", true);
  EXPECT_FALSE(stream->send(slices({"y"}), false, 2).ok());
}

TEST_P(Streams, AreResetWithACode) {
  auto stream = open(1);
  send(*stream, "x");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().received == "x"; }));
  stream->reset(42);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().reset.has_value(); }));
  EXPECT_EQ(server().peer_stream().reset, 42u);
  EXPECT_FALSE(server().peer_stream().fin);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().closed == 1; }));
}

TEST_P(Streams, GiveUpWhatWaitsWhenTheyAreReset) {
  connect({.stream_window = 16 * 1024});
  server().takes = 0;
  auto stream = open(1);
  send(*stream, std::string(200'000, 'x'));
  ASSERT_TRUE(until(server(), [](Recorder& at) { return !at.arrivals.empty(); }));
  stream->reset(3);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].sent.size() == 1; }));
  EXPECT_TRUE(client().streams[1].sent.front().second) << "its bytes count as given up";
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().reset == 3u; }));
}

TEST_P(Streams, MayBeResetBeforeTheyCarryAnything) {
  auto stream = open(1);
  stream->reset(9);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().reset == 9u; }));
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
}

TEST_P(Streams, AreStoppedWithACode) {
  auto stream = open(1);
  send(*stream, "x");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1; }));
  server().peer_stream().handle->stop(17);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].stopped == 17u && at.streams[1].closed == 1; }));
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().closed == 1; }));
  EXPECT_FALSE(server().peer_stream().reset) << "whoever stopped it is not told of the reset that follows";
  EXPECT_FALSE(stream->send(slices({"y"}), false, 2).ok());
}

TEST_P(Streams, HoldThePeerBackWhileNothingIsTaken) {
  connect({.stream_window = 16 * 1024});
  server().takes = 1000;
  auto stream = open(1);
  const std::string text(300'000, 'x');
  send(*stream, text, true);
  ASSERT_TRUE(
      until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().received.size() == 1000; }));
  EXPECT_TRUE(client().streams[1].sent.empty()) << "the window is smaller than what was sent";
  {
    const std::lock_guard lock(server().mutex);
    server().takes = text.size();
  }
  server().peer_stream().handle->resume_receive();
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_stream().fin; }));
  EXPECT_EQ(server().peer_stream().received, text);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
}

TEST_P(Streams, BeyondThePeersLimitWaitForOneToEnd) {
  connect({.unidirectional_streams = 2});
  std::vector<StreamHandle> open_ones;
  for (StreamKey key = 0; key < 4; ++key) {
    open_ones.push_back(open(key));
    send(*open_ones.back(), std::to_string(key));
  }
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 2; }));
  EXPECT_TRUE(open_ones[0]->send({}, true, 2).ok());
  open_ones[1]->reset(1);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 4 && at.peer_stream(3).received == "3"; }));
  EXPECT_EQ(server().peer_stream(2).received, "2");
}

TEST_P(Streams, AreAdmittedInSoManyAndThePeerTellsOfMore) {
  connect({.bidirectional_streams = 2});
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams_admitted == 2; }));
  std::vector<StreamHandle> open_ones;
  for (StreamKey key = 0; key < 2; ++key) {
    open_ones.push_back(open(key, Direction::Bidirectional));
    send(*open_ones.back(), "x", true);
  }
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 2 && at.peer_stream(1).fin; }));
  {
    const std::lock_guard lock(client().mutex);
    client().streams_admitted.reset();
  }
  send(*server().peer_stream(0).handle, "y", true);
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams_admitted == 1; }));
}

TEST_P(Streams, OfAHigherPriorityGoFirst) {
  if (!client().capabilities->priorities) GTEST_SKIP() << "the carrier has no priorities";
  connect({.connection_window = 16 * 1024});
  server().takes = 0;
  auto later = open(1);
  auto sooner = open(2);
  later->set_priority(100);
  sooner->set_priority(200);
  const std::string text(300'000, 'x');
  send(*later, text, true);
  // The connection's window is full of the first stream when the second comes.
  ASSERT_TRUE(until(server(), [](Recorder& at) { return !at.arrivals.empty(); }));
  send(*sooner, text, true);
  {
    const std::lock_guard lock(server().mutex);
    server().takes = 2 * text.size();
  }
  // The second may have come while nothing was taken, too.
  for (std::uint64_t each = 0; each < server().peer_streams; ++each)
    server().peer_stream(each).handle->resume_receive();
  ASSERT_TRUE(until(
      server(), [](Recorder& at) { return at.peer_streams == 2 && at.peer_stream(0).fin && at.peer_stream(1).fin; }));
  EXPECT_EQ(server().arrivals.back(), Recorder::kFirstPeerKey) << "the urgent one was done before";
}

TEST_P(Streams, WithoutAHandleAreAbandoned) {
  auto stream = open(1, Direction::Bidirectional);
  send(*stream, "x");
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1; }));
  stream.reset();
  ASSERT_TRUE(
      until(server(), [](Recorder& at) { return at.peer_stream().reset == 0u && at.peer_stream().stopped == 0u; }));
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
}

TEST_P(Streams, ThatArriveFinishedNeedNoHandle) {
  auto stream = open(1);
  send(*stream, std::string(100'000, 'x'), true);
  stream.reset();
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().fin; }));
  EXPECT_EQ(server().peer_stream().received.size(), 100'000u);
}

TEST_P(Streams, ThatAreRefusedDisturbNoOthers) {
  server().refuse_streams = true;
  auto refused = open(1);
  send(*refused, "x");
  ASSERT_TRUE(until(client(), [](Recorder& at) { return at.streams[1].closed == 1; }));
  {
    const std::lock_guard lock(server().mutex);
    server().refuse_streams = false;
  }
  auto stream = open(2);
  send(*stream, "y", true);
  ASSERT_TRUE(until(server(), [](Recorder& at) { return at.peer_streams == 1 && at.peer_stream().fin; }));
}

}  // namespace
}  // namespace msquic_py::transport::testing
