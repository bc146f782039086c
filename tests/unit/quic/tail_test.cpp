// What QUIC has acknowledged reaches the handler, whatever ends the stream or the connection, and however little the
// handler takes meanwhile.
#include <random>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

/// Knows when the peer's QUIC has everything, the fin included.
class SendingStream : public RecordingStream {
 public:
  bool acknowledged = false;
  void on_send_shutdown_complete(bool graceful) noexcept override {
    watched.change([&] { acknowledged = graceful; });
  }
};

/// Takes `first` bytes and then nothing before the end.
std::shared_ptr<RecordingStream> reluctant(std::uint64_t first) {
  auto handler = std::make_shared<RecordingStream>();
  handler->decide = [first, taken = std::uint64_t{0}](const ReceivedData& data) mutable {
    const std::uint64_t now = data.last ? data.size : std::min(data.size, first - std::min(first, taken));
    taken += now;
    return now;
  };
  return handler;
}

class TailTest : public QuicTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  void SetUp() override {
    QuicTest::SetUp();
    server_settings.stream_recv_window = 8 * 1024 * 1024;
    client_settings = server_settings;
    client_settings.send_buffering_enabled = false;
    server_settings.send_buffering_enabled = false;
    listen();
    listening->prepare = [](RecordingConnection& each) {
      each.make_stream = [](const Stream&) { return reluctant(1000); };
    };
    server = connect(client);
    ASSERT_TRUE(server);
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::mt19937 random(42);
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }
  std::shared_ptr<SendingStream> begin(Stream& stream) {
    auto handler = std::make_shared<SendingStream>();
    auto opened = client.connection.open_stream(StreamDirection::Unidirectional, handler);
    EXPECT_TRUE(opened);
    stream = *opened;
    return handler;
  }

  Client client;
  std::shared_ptr<RecordingConnection> server;
};

TEST_P(TailTest, ArrivesAfterThePeerClosedTheConnection) {
  const std::string text = pattern(GetParam());
  Stream stream;
  const auto handler = begin(stream);
  ASSERT_TRUE(send(stream, text, SendFlags::Start | SendFlags::Fin));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->acknowledged; }));
  ASSERT_TRUE(client.connection.shutdown(GetParam() % 2 == 0 ? 0 : 7));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
  EXPECT_TRUE(peer->received == text) << peer->received.size() << " of " << text.size();
  EXPECT_TRUE(peer->fin);
}

TEST_P(TailTest, AFinThatCameAloneArrivesToo) {
  const std::string text = pattern(GetParam());
  Stream stream;
  const auto handler = begin(stream);
  ASSERT_TRUE(send(stream, text, SendFlags::Start));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->sends_completed.size() == 1; }));
  ASSERT_TRUE(stream.finish());
  ASSERT_TRUE(handler->watched.wait([&] { return handler->acknowledged; }));
  ASSERT_TRUE(client.connection.shutdown(0));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
  EXPECT_TRUE(peer->received == text) << peer->received.size() << " of " << text.size();
  EXPECT_TRUE(peer->fin);
}

TEST_P(TailTest, WithoutAFinTheBytesArriveAndNoFinDoes) {
  const std::string text = pattern(GetParam());
  Stream stream;
  const auto handler = begin(stream);
  ASSERT_TRUE(send(stream, text, SendFlags::Start));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->sends_completed.size() == 1; }));
  ASSERT_TRUE(client.connection.shutdown(0));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
  EXPECT_TRUE(peer->received == text) << peer->received.size() << " of " << text.size();
  EXPECT_FALSE(peer->fin);
}

TEST_P(TailTest, ArrivesBeforeAReset) {
  const std::string text = pattern(GetParam());
  Stream stream;
  const auto handler = begin(stream);
  ASSERT_TRUE(send(stream, text, SendFlags::Start));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->sends_completed.size() == 1; }));
  ASSERT_TRUE(stream.abort_send(5));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->reset_code.has_value(); }));
  EXPECT_TRUE(peer->received == text) << peer->received.size() << " of " << text.size();
  EXPECT_EQ(*peer->reset_code, 5u);
}

TEST_P(TailTest, WhoWantsNoMoreGetsNoMore) {
  Stream stream;
  const auto handler = begin(stream);
  ASSERT_TRUE(send(stream, pattern(GetParam()), SendFlags::Start));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->sends_completed.size() == 1; }));
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  Stream reading = peer->watched.read([&] { return peer->stream; });
  ASSERT_TRUE(reading.abort_receive(9));
  ASSERT_TRUE(handler->watched.wait([&] { return handler->stop_code.has_value(); }));
  ASSERT_TRUE(client.connection.shutdown(0));
  ASSERT_TRUE(peer->watched.wait([&] { return peer->shutdown.has_value(); }));
  EXPECT_LE(peer->received.size(), 1000u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TailTest, ::testing::Values(1, 1000, 1001, 70'000, 1'000'001, 8'000'000),
                         [](const auto& size) { return std::to_string(size.param); });

}  // namespace
}  // namespace msquic_py::quic::testing
