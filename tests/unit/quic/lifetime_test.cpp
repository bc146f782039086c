// Whatever is dropped in whatever order, with traffic under way: nothing crashes, hangs or is left in MsQuic.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class LifetimeTest : public QuicTest {};

TEST_F(LifetimeTest, EveryOrderOfDroppingWithLiveTraffic) {
  std::array<int, 5> order{0, 1, 2, 3, 4};
  const std::string text(200'000, 'x');
  int rounds = 0;
  do {
    if (!registration) {
      auto opened = Registration::open("msquic-py-tests");
      ASSERT_TRUE(opened);
      registration = *opened;
    }
    listen();
    listening->prepare = [](RecordingConnection& each) {
      each.make_stream = [](const Stream&) {
        auto handler = std::make_shared<RecordingStream>();
        handler->echo = true;
        return handler;
      };
    };
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server);
    const auto handler = std::make_shared<RecordingStream>();
    auto opened = client.connection.open_stream(StreamDirection::Bidirectional, handler);
    ASSERT_TRUE(opened);
    Stream stream = *opened;
    opened = Result<Stream>(Stream());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(stream, text, i == 0 ? SendFlags::Start : SendFlags::None));
    ASSERT_TRUE(handler->watched.wait([&] { return !handler->received.empty(); }));
    for (const int which : order) {
      switch (which) {
        case 0: registration = {}; break;
        case 1:
          client_configuration = {};
          listening->configuration = {};
          break;
        case 2: listener = {}; break;
        case 3: client.connection = {}; break;
        default: stream = {}; break;
      }
    }
    ASSERT_TRUE(client.events->wait_complete());
    ASSERT_TRUE(server->wait_complete());
    ASSERT_TRUE(handler->watched.wait([&] { return handler->shutdown.has_value(); }));
    EXPECT_EQ(handler->shutdowns, 1);
    listening.reset();
    ++rounds;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(rounds, 120);
}

TEST_F(LifetimeTest, ManyConnectionsAndStreamsLeaveNothing) {
  listen();
  listening->prepare = [](RecordingConnection& each) {
    each.make_stream = [](const Stream&) {
      auto handler = std::make_shared<RecordingStream>();
      handler->echo = true;
      return handler;
    };
  };
  for (int i = 0; i < 50; ++i) {
    Client client;
    ASSERT_TRUE(connect(client));
    for (int j = 0; j < 10; ++j) {
      auto opened = client.connection.open_stream(StreamDirection::Bidirectional, std::make_shared<RecordingStream>());
      ASSERT_TRUE(opened);
      if (j % 3 == 0) continue;
      ASSERT_TRUE(send(*opened, "hello", j % 2 == 0 ? SendFlags::Start | SendFlags::Fin : SendFlags::Start));
    }
  }
  const auto& accepted = listening->connections;
  for (const auto& each : accepted) ASSERT_TRUE(each->wait_complete());
  // TearDown checks MsQuic's own counters.
}

TEST_F(LifetimeTest, AClosedConnectionThatIsStillHeldKeepsNothingOpen) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  ASSERT_TRUE(client.connection.shutdown(5));
  ASSERT_TRUE(client.events->wait_complete());
  ASSERT_TRUE(server->wait_complete());
  listener = {};
  listening->configuration = {};
  client_configuration = {};
  auto closed = registration.close(kDeadline);
  EXPECT_TRUE(closed) << closed.error().message;
  EXPECT_EQ(client.connection.close_reason().code, 5u);
  EXPECT_EQ(client.connection.statistics().error().status, Status::ClosedHandle);
}

TEST_F(LifetimeTest, ClosingTheRegistrationNamesWhatKeepsItOpen) {
  listen();
  Client client;
  ASSERT_TRUE(connect(client));
  const auto closed = registration.close(std::chrono::milliseconds(50));
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().status, Status::LibraryInUse);
  EXPECT_NE(closed.error().message.find("2 connections"), std::string::npos) << closed.error().message;
  EXPECT_NE(closed.error().message.find("1 listeners"), std::string::npos) << closed.error().message;
}

TEST_F(LifetimeTest, TheLibraryClosesOnlyWhenNothingIsAlive) {
  const auto refused = Library::close();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, Status::LibraryInUse);
  registration = {};
  ASSERT_TRUE(Library::wait_until_idle(kDeadline));
  ASSERT_TRUE(Library::close());
  EXPECT_FALSE(Library::is_open());
  ASSERT_TRUE(Library::close());
  auto again = Registration::open("again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(Library::is_open());
  EXPECT_EQ(Library::version()->substr(0, 2), "2.");
  EXPECT_FALSE(Library::tls_provider()->empty());
}

TEST_F(LifetimeTest, CallsFromManyThreadsWhileEverythingCloses) {
  listen();
  for (int round = 0; round < 20; ++round) {
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server);
    const auto handler = std::make_shared<RecordingStream>();
    auto opened = client.connection.open_stream(StreamDirection::Bidirectional, handler);
    ASSERT_TRUE(opened);
    Stream stream = *opened;
    ASSERT_TRUE(send(stream, "x", SendFlags::Start));
    ASSERT_TRUE(server->wait_peer_stream());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([connection = client.connection, stream, i]() mutable {
        // Whatever the calls return, they must be safe until and after the end.
        for (int turn = 0; turn < 200; ++turn) {
          static_cast<void>(send(stream, "more"));
          static_cast<void>(stream.set_priority(static_cast<std::uint16_t>(i)));
          static_cast<void>(stream.resume_receive());
          if (auto extra =
                  connection.open_stream(StreamDirection::Unidirectional, std::make_shared<RecordingStream>())) {
            static_cast<void>(extra->start());
          }
          if (i == 0) static_cast<void>(connection.statistics());
          const base::SharedBytes data = bytes("d");
          static_cast<void>(connection.send_datagram({&data, 1}));
        }
      });
    }
    ASSERT_TRUE(handler->watched.wait([&] { return handler->sends_completed.size() > 5; }));
    Connection closing = client.connection;
    if (round % 2 != 0) server->watched.change([&] { closing = server->connection; });
    static_cast<void>(closing.shutdown(1));
    closing = {};
    for (std::thread& each : threads) each.join();
    ASSERT_TRUE(client.events->wait_complete());
  }
}

TEST_F(LifetimeTest, AForkedChildGetsErrorsAndExitsCleanly) {
  listen();
  Client client;
  ASSERT_TRUE(connect(client));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool good = client.connection.shutdown(0).error().status == Status::ForkedProcess;
    good = good && Registration::open("child").error().status == Status::ForkedProcess;
    good = good && Library::performance_counters().error().status == Status::ForkedProcess;
    client.connection = {};
    listener = {};
    registration = {};
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  // The parent is unharmed.
  Client another;
  EXPECT_TRUE(connect(another));
}

/// A connection from end to end, in a process that has none of its parent's.
[[nodiscard]] bool connects_anew(const DevelopmentCertificate& certificate) {
  auto registration = Registration::open("child");
  if (!registration) return false;
  auto server = Configuration::open(
      *registration, alpns(), {},
      Credentials::server(certificate.certificate_file.string(), certificate.private_key_file.string()));
  auto client = Configuration::open(*registration, alpns(), {}, Credentials::client_without_validation());
  if (!server || !client) return false;
  auto listening = std::make_shared<RecordingListener>();
  listening->configuration = *server;
  auto listener = Listener::open(*registration, listening);
  if (!listener->start(alpns(), {Address::any(0)})) return false;
  auto events = std::make_shared<RecordingConnection>();
  auto connection = Connection::open(*registration, events);
  return connection->start(*client, "127.0.0.1", listener->local_address().port()) && events->wait_connected() &&
         connection->shutdown(0) && events->wait_complete();
}

TEST_F(LifetimeTest, AChildOfAProcessThatHasClosedEverythingBeginsAnew) {
  ASSERT_TRUE(connects_anew(certificate()));
  registration = {};
  ASSERT_TRUE(Library::wait_until_idle(kDeadline)) << describe_live();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    ::_exit(!Library::forked() && connects_anew(certificate()) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(connects_anew(certificate()));
}

/// What a program does at its end; in a process of its own, because it cannot be undone.
[[noreturn]] void finalize_with_live_traffic(const DevelopmentCertificate& certificate) {
  auto registration = Registration::open("finalizing");
  Settings settings;
  settings.peer_bidi_stream_count = 10;
  auto server = Configuration::open(
      *registration, alpns(), settings,
      Credentials::server(certificate.certificate_file.string(), certificate.private_key_file.string()));
  auto client_side = Configuration::open(*registration, alpns(), settings, Credentials::client_without_validation());
  auto listening = std::make_shared<RecordingListener>();
  listening->configuration = *server;
  auto listener = Listener::open(*registration, listening);
  if (!listener->start(alpns(), {Address::any(0)})) std::_Exit(2);
  auto events = std::make_shared<RecordingConnection>();
  auto connection = Connection::open(*registration, events);
  if (!connection->start(*client_side, "127.0.0.1", listener->local_address().port()) || !events->wait_connected())
    std::_Exit(3);
  Library::set_finalizing();
  if (connection->shutdown(0).error().status != Status::Finalizing) std::_Exit(4);
  std::exit(events->complete ? 5 : 0);  // runs static destructors under MsQuic's threads
}

TEST(FinalizingDeathTest, ExitingWithLiveTrafficIsClean) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto directory =
      std::filesystem::temp_directory_path() / ("msquic-py-finalizing-" + std::to_string(::getpid()));
  EXPECT_EXIT(
      {
        auto certificate = DevelopmentCertificate::create(directory);
        finalize_with_live_traffic(*certificate);
      },
      ::testing::ExitedWithCode(0), "");
  std::filesystem::remove_all(directory);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path(), ignored)) {
    if (entry.path().filename().string().rfind("msquic-py-finalizing-", 0) == 0)
      std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace
}  // namespace msquic_py::quic::testing
