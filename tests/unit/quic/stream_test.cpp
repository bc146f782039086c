#include <unistd.h>

#include <random>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class StreamTest : public QuicTest {
 protected:
  void SetUp() override {
    QuicTest::SetUp();
    listen();
  }
  void connect_with(std::function<std::shared_ptr<RecordingStream>(const Stream&)> make = {}) {
    listening->prepare = [make](RecordingConnection& each) { each.make_stream = make; };
    server = connect(client);
    ASSERT_TRUE(server);
  }
  /// A stream of the client that is not started.
  Stream open(const std::shared_ptr<RecordingStream>& handler,
              StreamDirection direction = StreamDirection::Bidirectional) {
    auto opened = client.connection.open_stream(direction, handler);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : Stream();
  }
  static std::shared_ptr<RecordingStream> echoing(const Stream&) {
    auto handler = std::make_shared<RecordingStream>();
    handler->echo = true;
    return handler;
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::mt19937 random(42);
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }

  Client client;
  std::shared_ptr<RecordingConnection> server;
};

TEST_F(StreamTest, EchoesOverABidirectionalStream) {
  connect_with(echoing);
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler);
  EXPECT_FALSE(stream.id());
  ASSERT_TRUE(stream.start());
  const std::string text = pattern(1'000'000);
  const auto outcome = send(stream, text, SendFlags::Fin, 77);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, SendOutcome::Queued);
  ASSERT_TRUE(handler->watched.wait([&] { return handler->fin && handler->shutdown; }));
  EXPECT_EQ(handler->received, text);
  EXPECT_EQ(handler->start_status, Status::Success);
  EXPECT_EQ(handler->start_id, 0u);
  EXPECT_EQ(stream.id(), 0u);
  ASSERT_EQ(handler->sends_completed.size(), 1u);
  EXPECT_EQ(handler->sends_completed[0], (std::pair<std::uint64_t, bool>{77, false}));
  EXPECT_TRUE(handler->peer_send_shutdown);
  EXPECT_EQ(handler->shutdowns, 1);
  EXPECT_TRUE(stream.is_closed());
}

TEST_F(StreamTest, StartSendAndFinishInOneCallWithAGatherList) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  const base::SharedBytes parts[] = {bytes("head"), base::SharedBytes(), bytes("body"), bytes("tail")};
  ASSERT_TRUE(stream.send(parts, SendFlags::Start | SendFlags::Fin));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, "headbodytail");
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
}

TEST_F(StreamTest, BorrowedBytesStayUntouchedUntilTheCompletion) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  auto text = std::make_unique<std::string>(pattern(300'000));
  const std::string expected = *text;
  const base::Bytes view = base::as_bytes(*text);
  ASSERT_TRUE(stream.send_borrowed({&view, 1}, SendFlags::Start | SendFlags::Fin, 5));
  ASSERT_TRUE(handler->watched.wait([&] { return !handler->sends_completed.empty(); }));
  text.reset();
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, expected);
}

TEST_F(StreamTest, AnEmptySendDoesNothingAndDoesNotWedgeTheStream) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  // As the first send with Start, and in the middle: both wedge MsQuic 2.5 when they reach it.
  auto outcome = stream.send({}, SendFlags::Start, 1);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, SendOutcome::NothingToSend);
  ASSERT_TRUE(send(stream, "a", SendFlags::None, 2));
  outcome = send(stream, "", SendFlags::None, 3);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, SendOutcome::NothingToSend);
  ASSERT_TRUE(send(stream, "b", SendFlags::None, 4));
  ASSERT_TRUE(send(stream, "", SendFlags::Fin, 5));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, "ab");
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
  std::vector<std::uint64_t> tokens;
  for (const auto& [token, canceled] : handler->sends_completed) tokens.push_back(token);
  EXPECT_EQ(tokens, (std::vector<std::uint64_t>{2, 4, 5}));
}

TEST_F(StreamTest, AFinAloneArrivesAndIsNeverHeldBack) {
  // A handler that takes nothing must still see the end of an empty stream.
  connect_with([](const Stream&) {
    auto handler = std::make_shared<RecordingStream>();
    handler->decide = [](const ReceivedData&) { return std::uint64_t{0}; };
    return handler;
  });
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  ASSERT_TRUE(stream.start(StreamStartFlags::Immediate));
  ASSERT_TRUE(stream.finish());
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin && peer->shutdown; }));
  EXPECT_EQ(peer->received, "");
}

TEST_F(StreamTest, PausingAndResumingLosesNoByte) {
  // The handler takes a random part each time; another thread (this one) resumes.
  std::mt19937 random(7);
  connect_with([&random](const Stream&) {
    auto handler = std::make_shared<RecordingStream>();
    handler->decide = [&random](const ReceivedData& data) { return data.size == 0 ? 0 : random() % (data.size + 1); };
    return handler;
  });
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  const std::string text = pattern(400'000);
  ASSERT_TRUE(send(stream, text, SendFlags::Start | SendFlags::Fin));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  int calls = 0;
  for (;;) {
    ASSERT_TRUE(peer->watched.wait([&] { return peer->fin || peer->receive_calls != calls; }));
    bool over = false;
    Stream resuming;
    peer->watched.change([&] {
      over = peer->fin;
      calls = peer->receive_calls;
      resuming = peer->stream;
    });
    if (over) break;
    static_cast<void>(resuming.resume_receive());
  }
  EXPECT_EQ(peer->received, text);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
  EXPECT_EQ(peer->events_after_shutdown, 0);
}

TEST_F(StreamTest, AHandlerThatTakesNothingStopsTheFlow) {
  connect_with([](const Stream&) {
    auto handler = std::make_shared<RecordingStream>();
    handler->decide = [](const ReceivedData&) { return std::uint64_t{0}; };
    return handler;
  });
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  ASSERT_TRUE(send(stream, pattern(100'000), SendFlags::Start | SendFlags::Fin));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->receive_calls == 1; }));
  EXPECT_FALSE(peer->watched.wait([&] { return peer->receive_calls > 1; }, std::chrono::milliseconds(200)));
  // Dropping everything now must still end: unread data is no reason to stay.
}

TEST_F(StreamTest, ResetAndStopSendingCarryTheirCodes) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler);
  ASSERT_TRUE(send(stream, "x", SendFlags::Start));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->received == "x"; }));
  // The peer's own handle: MsQuic answers STOP_SENDING with a reset, which may end the stream before this test goes on.
  Stream answering = peer->watched.read([&] { return peer->stream; });
  ASSERT_TRUE(stream.abort_send(0x11));
  ASSERT_TRUE(stream.abort_receive(0x22));
  ASSERT_TRUE(peer->watched.wait([&] { return peer->reset_code && peer->stop_code; }));
  EXPECT_EQ(*peer->reset_code, 0x11u);
  EXPECT_EQ(*peer->stop_code, 0x22u);
  EXPECT_FALSE(peer->fin);
  EXPECT_EQ(stream.abort(std::uint64_t{1} << 62).error().status, Status::InvalidParameter);
  const auto aborted = answering.abort(0);
  ASSERT_TRUE(aborted) << aborted.error().message;
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
}

TEST_F(StreamTest, AbortCompletesEverySendExactlyOnce) {
  client_settings.send_buffering_enabled = false;
  client_configuration = open_configuration(client_settings, trusting());
  connect_with([](const Stream&) {
    auto handler = std::make_shared<RecordingStream>();
    handler->decide = [](const ReceivedData&) { return std::uint64_t{0}; };
    return handler;
  });
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler, StreamDirection::Unidirectional);
  ASSERT_TRUE(stream.start());
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(send(stream, pattern(100'000), SendFlags::None, i));
  ASSERT_TRUE(stream.abort_send(1));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
  ASSERT_EQ(handler->sends_completed.size(), 20u);
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(handler->sends_completed[i].first, i);
  EXPECT_TRUE(handler->sends_completed.back().second);
}

TEST_F(StreamTest, TheHandlerRefusesAStream) {
  connect_with([](const Stream&) -> std::shared_ptr<RecordingStream> { return nullptr; });
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler);
  ASSERT_TRUE(send(stream, "x", SendFlags::Start));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->reset_code && handler->stop_code; }));
  EXPECT_EQ(*handler->reset_code, 0u);
}

TEST_F(StreamTest, DroppingAnUnfinishedStreamAbortsItWithTheAbandonCode) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler);
  stream.set_abandon_code(0x33);
  ASSERT_TRUE(send(stream, "x", SendFlags::Start));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  stream = {};
  ASSERT_TRUE(peer->watched.wait([&] { return peer->reset_code && peer->stop_code; }));
  EXPECT_EQ(*peer->reset_code, 0x33u);
  EXPECT_EQ(*peer->stop_code, 0x33u);
}

TEST_F(StreamTest, DroppingAfterFinLetsTheDataArrive) {
  connect_with();
  const std::string text = pattern(500'000);
  {
    Stream stream = open(std::make_shared<RecordingStream>(), StreamDirection::Unidirectional);
    ASSERT_TRUE(send(stream, text, SendFlags::Start | SendFlags::Fin));
  }
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, text);
}

TEST_F(StreamTest, UnstartedStreamsCloseWithTheirConnection) {
  connect_with();
  std::vector<std::shared_ptr<RecordingStream>> handlers;
  std::vector<Stream> streams;
  for (int i = 0; i < 10; ++i) {
    handlers.push_back(std::make_shared<RecordingStream>());
    streams.push_back(open(handlers.back()));
  }
  streams[0] = {};  // and one by dropping it
  ASSERT_TRUE(handlers[0]->watched.wait([&] { return handlers[0]->shutdown.has_value(); }));
  ASSERT_TRUE(client.connection.shutdown(0));
  for (const auto& handler : handlers) {
    ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
    EXPECT_EQ(handler->shutdowns, 1);
  }
  EXPECT_EQ(streams[1].start().error().status, Status::ClosedHandle);
}

TEST_F(StreamTest, OpeningAfterShutdownIsRefused) {
  connect_with();
  ASSERT_TRUE(client.connection.shutdown(0));
  const auto opened =
      client.connection.open_stream(StreamDirection::Bidirectional, std::make_shared<RecordingStream>());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().status, Status::ConnectionClosing);
}

TEST_F(StreamTest, AStartThatFailsStillEndsTheStream) {
  connect_with();
  const auto handler = std::make_shared<RecordingStream>();
  Stream stream = open(handler);
  ASSERT_TRUE(server->connection.shutdown(1));
  ASSERT_TRUE(client.events->watched.wait([&] { return client.events->initiated.has_value(); }));
  EXPECT_FALSE(stream.start());
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
  EXPECT_EQ(handler->shutdowns, 1);
}

TEST_F(StreamTest, ThePeersStreamLimit) {
  server_settings.peer_bidi_stream_count = 1;
  listening->configuration = open_configuration(server_settings, server_credentials());
  connect_with();
  Stream first = open(std::make_shared<RecordingStream>());
  ASSERT_TRUE(send(first, "x", SendFlags::Start));
  ASSERT_TRUE(server->wait_peer_stream());
  const auto handler = std::make_shared<RecordingStream>();
  Stream second = open(handler);
  ASSERT_TRUE(second.start(StreamStartFlags::FailBlocked));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
  EXPECT_EQ(handler->start_status, Status::StreamLimitReached);
  // Raising the limit lets the next one through.
  ASSERT_TRUE(server->connection.set_peer_stream_counts(5, 5));
  const auto third_handler = std::make_shared<RecordingStream>();
  Stream third = open(third_handler);
  ASSERT_TRUE(send(third, "y", SendFlags::Start));
  ASSERT_TRUE(server->wait_peer_stream(1));
}

TEST_F(StreamTest, PriorityIsAcceptedBeforeAndAfterStart) {
  connect_with();
  Stream stream = open(std::make_shared<RecordingStream>());
  ASSERT_TRUE(stream.set_priority(65535));
  ASSERT_TRUE(send(stream, "x", SendFlags::Start));
  ASSERT_TRUE(server->wait_peer_stream());
  ASSERT_TRUE(stream.set_priority(0));
}

TEST_F(StreamTest, ManyShortStreams) {
  server_settings.peer_unidi_stream_count = 1000;
  listening->configuration = open_configuration(server_settings, server_credentials());
  connect_with();
  static constexpr std::size_t kStreams = 500;
  for (std::size_t i = 0; i < kStreams; ++i) {
    Stream stream = open(std::make_shared<RecordingStream>(), StreamDirection::Unidirectional);
    ASSERT_TRUE(send(stream, "object", SendFlags::Start | SendFlags::Fin));
  }
  for (std::size_t i = 0; i < kStreams; ++i) {
    const auto peer = server->wait_peer_stream(i);
    ASSERT_TRUE(peer);
    ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
    EXPECT_EQ(peer->received, "object");
  }
}

}  // namespace
}  // namespace msquic_py::quic::testing
