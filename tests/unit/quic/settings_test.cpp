#include "quic/settings.h"

#include <map>

#include "quic/processors.h"
#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class SchedulingTest : public QuicTest {
 protected:
  /// What of the second stream had come when the first one ended. Both wait until the server admits them at once, so
  /// they have their data when sending begins.
  std::size_t of_the_second_when_the_first_ends(std::optional<StreamScheduling> configured,
                                                std::optional<Settings> live) {
    server_settings.peer_unidi_stream_count = 0;
    server_settings.stream_recv_window = 1 << 20;
    client_settings.stream_scheduling = configured;
    listen();
    std::mutex mutex;
    std::map<std::uint64_t, std::size_t> sizes;
    std::optional<std::size_t> other;
    listening->prepare = [&](RecordingConnection& each) {
      each.make_stream = [&](const Stream& stream) {
        auto handler = std::make_shared<RecordingStream>();
        handler->decide = [&, id = *stream.id()](const ReceivedData& data) {
          const std::lock_guard lock(mutex);
          sizes[id] += data.size;
          if (data.fin && !other) other = sizes[2] + sizes[6] - sizes[id];
          return data.size;
        };
        return handler;
      };
    };
    Client client = open_client();
    // Inside a handler of the connection a change takes effect at once.
    client.events->when_connected = [&] {
      if (live) {
        EXPECT_TRUE(client.connection.update_settings(*live));
      }
    };
    EXPECT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
    EXPECT_TRUE(client.events->wait_connected());
    const auto server = listening->wait_connection(0);
    EXPECT_TRUE(server);
    std::vector<std::shared_ptr<RecordingStream>> handlers;
    std::vector<Stream> streams;
    for (int i = 0; i < 2; ++i) {
      handlers.push_back(std::make_shared<RecordingStream>());
      streams.push_back(*client.connection.open_stream(StreamDirection::Unidirectional, handlers.back()));
      EXPECT_TRUE(send(streams.back(), std::string(kSize, 'x'), SendFlags::Start | SendFlags::Fin));
    }
    EXPECT_TRUE(server->connection.set_peer_stream_counts(0, 2));
    for (const auto& handler : handlers) {
      EXPECT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
    }
    const std::lock_guard lock(mutex);
    return other.value_or(0);
  }

  static constexpr std::size_t kSize = 400'000;
};

TEST_F(SchedulingTest, FirstInFirstOutUnlessSaid) {
  EXPECT_LT(of_the_second_when_the_first_ends(std::nullopt, std::nullopt), kSize / 20);
}

TEST_F(SchedulingTest, StreamsTakeTurns) {
  EXPECT_GT(of_the_second_when_the_first_ends(StreamScheduling::RoundRobin, std::nullopt), kSize / 5);
}

TEST_F(SchedulingTest, ChangesOnALiveConnection) {
  Settings settings;
  settings.stream_scheduling = StreamScheduling::RoundRobin;
  EXPECT_GT(of_the_second_when_the_first_ends(std::nullopt, settings), kSize / 5);
}

TEST(SettingsCheck, EveryLimitIsNamed) {
  const auto message = [](auto change) {
    Settings settings;
    change(settings);
    const auto checked = check_settings(settings);
    return checked ? std::string("accepted") : checked.error().message;
  };
  EXPECT_EQ(message([](Settings&) {}), "accepted");
  EXPECT_EQ(message([](Settings& s) { s.disconnect_timeout_ms = 600001; }),
            "disconnect_timeout_ms must be from 1 to 600000, not 600001");
  EXPECT_EQ(message([](Settings& s) { s.stream_recv_buffer = 12288; }),
            "stream_recv_buffer must be a power of two, not 12288");
  EXPECT_EQ(message([](Settings& s) { s.stream_recv_window_unidi = 2048; }),
            "every stream_recv_window must have room for stream_recv_buffer, 4096 bytes");
}

TEST(Processors, OfAControlGroup) {
  EXPECT_EQ(processors_of_quota("max 100000"), std::nullopt);
  EXPECT_EQ(processors_of_quota("50000 100000"), 1);  // half a processor
  EXPECT_EQ(processors_of_quota("100000 100000"), 1);
  EXPECT_EQ(processors_of_quota("150000 100000"), 2);
  EXPECT_EQ(processors_of_quota("800000 100000"), 8);
  for (const char* bad : {"", "100000", "100000 0", "0 100000", "x y"})
    EXPECT_EQ(processors_of_quota(bad), std::nullopt);
  EXPECT_GE(usable_processors(), 1);
  EXPECT_LE(usable_processors(), online_processors());
}

TEST(LibraryOptions, AreRefusedWithTheirLimits) {
  LibraryOptions options;
  options.workers = 0;
  const auto refused = Library::configure(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, Status::InvalidParameter);
  EXPECT_EQ(refused.error().message.rfind("workers must be from 1 to ", 0), 0u) << refused.error().message;
}

TEST(Settings, CodePointsAndVersionsAreChecked) {
  Settings settings;
  settings.send_dscp = std::uint8_t{63};
  settings.quic_versions = {0x6b3343cf, 1};
  EXPECT_TRUE(check_settings(settings));
  settings.send_dscp = std::uint8_t{64};
  EXPECT_EQ(check_settings(settings).error().message, "send_dscp must be from 0 to 63, not 64");
  settings.send_dscp.reset();
  for (const std::vector<std::uint32_t>& wrong :
       std::vector<std::vector<std::uint32_t>>{{}, {2}, {1, 1}, {1, 0x6b3343cf, 1}}) {
    settings.quic_versions = wrong;
    EXPECT_EQ(check_settings(settings).error().status, Status::InvalidParameter);
  }
}

class VersionTest : public QuicTest {};

TEST_F(VersionTest, AClientBeginsWithTheOneThatItPrefers) {
  listen();
  for (const std::uint32_t preferred : {1u, 0x6b3343cfu}) {
    client_settings.quic_versions = {preferred};
    Client client = dial("localhost", open_configuration(client_settings, trusting()));
    ASSERT_TRUE(client.events->wait_connected());
    EXPECT_EQ(client.connection.handshake()->quic_version, preferred);
  }
}

}  // namespace
}  // namespace msquic_py::quic::testing
