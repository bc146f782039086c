#include <unistd.h>

#include <thread>
#include <tuple>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class ConnectionTest : public QuicTest {};

TEST_F(ConnectionTest, HandshakeTellsBothSidesWhoAndWhat) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  ASSERT_TRUE(server->wait_connected());
  EXPECT_EQ(client.events->alpn, "test/1");
  EXPECT_EQ(server->alpn, "test/1");
  EXPECT_EQ(client.connection.negotiated_alpn(), "test/1");
  EXPECT_FALSE(client.events->resumed);
  EXPECT_EQ(listening->last_server_name, "localhost");
  EXPECT_EQ(client.connection.remote_address().port(), port);
  EXPECT_EQ(client.connection.remote_address().host(), "127.0.0.1");
  EXPECT_EQ(server->connection.remote_address(), client.connection.local_address());
  EXPECT_TRUE(server->connection.is_server());
  EXPECT_FALSE(client.connection.is_server());
  const auto statistics = client.connection.statistics();
  ASSERT_TRUE(statistics) << statistics.error().message;
  EXPECT_GT(statistics->send_total_packets, 0u);
  EXPECT_GT(statistics->rtt_us, 0u);
}

TEST_F(ConnectionTest, TheLocalAddressIsChosenBeforeTheStart) {
  listen();
  Client client = open_client();
  ASSERT_TRUE(client.connection.set_local_address(*Address::parse("127.0.0.2", 0)));
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_EQ(client.connection.local_address().host(), "127.0.0.2");
  const auto server = listening->wait_connection();
  ASSERT_TRUE(server);
  EXPECT_EQ(server->handle().remote_address(), client.connection.local_address());
  for (Connection each : {client.connection, server->handle()}) {
    EXPECT_EQ(each.set_local_address(*Address::parse("127.0.0.1", 0)).error().status, Status::InvalidState);
  }
  EXPECT_EQ(client.connection.local_address().host(), "127.0.0.2");
}

TEST_F(ConnectionTest, ResolvesAHostNameOffTheWorker) {
  listen();
  Client client = open_client();
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", port));
  EXPECT_TRUE(client.events->wait_connected());
}

TEST_F(ConnectionTest, AHostNameThatDoesNotResolveIsNamed) {
  listen();
  Client client = open_client();
  ASSERT_TRUE(client.connection.start(client_configuration, "no-such-host.invalid", port));
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->cause, CloseReason::Cause::Transport);
  EXPECT_EQ(client.events->complete->status, Status::NameResolutionFailed);
  EXPECT_NE(client.events->complete->message.find("no-such-host.invalid"), std::string::npos);
}

TEST_F(ConnectionTest, ThePeersCodeAndTheOwnCodeAreTheFirstCause) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  ASSERT_TRUE(client.connection.shutdown(0x1234));
  EXPECT_TRUE(client.connection.is_closing());
  ASSERT_TRUE(server->wait_complete());
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(server->complete->cause, CloseReason::Cause::PeerApplication);
  EXPECT_EQ(server->complete->code, 0x1234u);
  EXPECT_TRUE(server->complete->remote);
  EXPECT_TRUE(server->complete->handshake_completed);
  ASSERT_TRUE(server->initiated);
  EXPECT_EQ(server->initiated->code, 0x1234u);
  EXPECT_EQ(client.events->complete->cause, CloseReason::Cause::LocalApplication);
  EXPECT_EQ(client.events->complete->code, 0x1234u);
  EXPECT_EQ(client.events->completions, 1);
  EXPECT_EQ(server->completions, 1);
}

TEST_F(ConnectionTest, TheLongestReasonPhraseArrivesAndLongerOnesAreRefused) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  EXPECT_EQ(client.connection.shutdown(1, std::string(512, 'x')).error().status, Status::InvalidParameter);
  EXPECT_EQ(client.connection.shutdown(std::uint64_t{1} << 62).error().status, Status::InvalidParameter);
  const std::string longest(511, 'x');
  ASSERT_TRUE(client.connection.shutdown(7, longest));
  ASSERT_TRUE(server->wait_complete());
  EXPECT_EQ(server->complete->code, 7u);
  EXPECT_EQ(server->complete->reason, longest);
}

/// Who closes, from where, and while what is going on.
TEST_F(ConnectionTest, CodeAndReasonPhraseArriveTogether) {
  listen();
  for (int round = 0; round < 120; ++round) {
    const bool by_server = round % 2 != 0;
    const bool in_a_handler = round % 4 >= 2;
    const bool busy = round % 3 == 0;
    const std::string phrase = "round " + std::to_string(round);
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server);
    auto& closing = by_server ? *server : *client.events;
    auto& other = by_server ? *client.events : *server;
    Connection connection = by_server ? server->handle() : client.connection;
    std::vector<Stream> streams;
    for (int i = 0; busy && i < 3; ++i) {
      auto stream = connection.open_stream(StreamDirection::Bidirectional, std::make_shared<RecordingStream>());
      ASSERT_TRUE(stream);
      static_cast<void>(send(*stream, std::string(3000, 's'), SendFlags::Start));
      streams.push_back(*stream);
    }
    if (in_a_handler) {
      closing.when_datagram = [connection, phrase]() mutable { static_cast<void>(connection.shutdown(77, phrase)); };
      Connection opposite = by_server ? client.connection : server->handle();
      const base::SharedBytes cue = bytes("now");
      ASSERT_TRUE(opposite.send_datagram({&cue, 1}));
    } else {
      ASSERT_TRUE(connection.shutdown(77, phrase));
    }
    ASSERT_TRUE(other.wait_complete());
    EXPECT_EQ(other.complete->cause, CloseReason::Cause::PeerApplication) << other.complete->message;
    EXPECT_EQ(other.complete->code, 77u);
    EXPECT_EQ(other.complete->reason, phrase);
    ASSERT_TRUE(other.initiated);
    EXPECT_EQ(other.initiated->reason, phrase);
    ASSERT_TRUE(closing.wait_complete());
    closing.when_datagram = nullptr;
    EXPECT_EQ(closing.complete->cause, CloseReason::Cause::LocalApplication);
  }
}

TEST_F(ConnectionTest, AReasonPhraseNeedsNoStreamCredit) {
  server_settings.peer_bidi_stream_count = 0;
  server_settings.peer_unidi_stream_count = 0;
  listen();
  for (int round = 0; round < 30; ++round) {
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server);
    ASSERT_TRUE(client.connection.shutdown(5, "no streams"));
    ASSERT_TRUE(server->wait_complete());
    EXPECT_EQ(server->complete->reason, "no streams");
  }
}

TEST_F(ConnectionTest, BothSidesCloseAtOnce) {
  listen();
  for (int round = 0; round < 60; ++round) {
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server);
    Connection accepted = server->handle();
    std::thread other([&] { static_cast<void>(accepted.shutdown(2, "the server's")); });
    ASSERT_TRUE(client.connection.shutdown(1, "the client's"));
    other.join();
    ASSERT_TRUE(client.events->wait_complete() && server->wait_complete());
    for (const auto& [events, own, theirs] : {std::tuple{client.events, 1u, 2u}, {server, 2u, 1u}}) {
      const CloseReason& reason = *events->complete;
      if (reason.cause == CloseReason::Cause::PeerApplication) {
        EXPECT_EQ(reason.code, theirs);
        EXPECT_EQ(reason.reason, theirs == 2u ? "the server's" : "the client's");
      } else if (reason.cause == CloseReason::Cause::LocalApplication) {
        EXPECT_EQ(reason.code, own);
        EXPECT_EQ(reason.reason, "");
      }
    }
  }
}

TEST_F(ConnectionTest, WrongAlpn) {
  listen();
  const Configuration other = open_configuration(client_settings, trusting(), {"other/1"});
  Client client = dial("localhost", other);
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::AlpnNegotiationFailure) << client.events->complete->message;
  EXPECT_FALSE(client.events->connected);
}

TEST_F(ConnectionTest, NobodyListens) {
  listen();
  ASSERT_TRUE(listener.close(kDeadline));
  Client client = dial();
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::Unreachable) << client.events->complete->message;
}

TEST_F(ConnectionTest, TheListenersHandlerRefuses) {
  listen();
  listening->watched.change([&] { listening->refuse = true; });
  Client client = dial();
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::ConnectionRefused) << client.events->complete->message;
}

TEST_F(ConnectionTest, AcceptingWithoutConfigurationRefuses) {
  listen();
  Configuration kept;
  listening->watched.change([&] { std::swap(kept, listening->configuration); });
  Client client = dial();
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::ConnectionRefused);
}

TEST_F(ConnectionTest, TheHandlerMayChooseTheConfigurationItself) {
  listen();
  const Configuration chosen = listening->configuration;
  listening->configuration = {};
  listening->prepare = [chosen](RecordingConnection& each) { EXPECT_TRUE(each.connection.set_configuration(chosen)); };
  Client client;
  EXPECT_TRUE(connect(client));
  EXPECT_TRUE(client.events->connected);
}

TEST_F(ConnectionTest, MisuseIsNamed) {
  Connection empty;
  EXPECT_EQ(empty.shutdown(0).error().status, Status::ClosedHandle);
  EXPECT_EQ(Connection::open(Registration(), std::make_shared<RecordingConnection>()).error().status,
            Status::ClosedHandle);
  EXPECT_EQ(Connection::open(registration, nullptr).error().status, Status::InvalidParameter);
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  EXPECT_EQ(client.connection.start(client_configuration, "localhost", port).error().status, Status::InvalidState);
  EXPECT_EQ(server->connection.start(client_configuration, "localhost", port).error().status, Status::InvalidState);
  EXPECT_EQ(client.connection.set_configuration(client_configuration).error().status, Status::InvalidState);
  Client other = open_client();
  EXPECT_EQ(other.connection.start(client_configuration, "localhost", 0).error().status, Status::InvalidParameter);
  EXPECT_EQ(other.connection.start(client_configuration, "", port).error().status, Status::InvalidParameter);
  EXPECT_EQ(other.connection.start(listening->configuration, "localhost", port).error().status,
            Status::InvalidParameter);
  EXPECT_EQ(other.connection.start(Configuration(), "localhost", port).error().status, Status::ClosedHandle);
}

TEST_F(ConnectionTest, BlockingCallsInAnotherConnectionsHandlerAreRefused) {
  listen();
  Client first;
  ASSERT_TRUE(connect(first));
  std::optional<Status> status;
  std::optional<bool> own;
  Client second = open_client();
  second.events->when_connected = [&] {
    const auto other = first.connection.statistics();
    const auto mine = second.connection.statistics();
    second.events->watched.change([&] {
      status = other.ok() ? Status::Success : other.error().status;
      own = mine.ok();
    });
  };
  ASSERT_TRUE(second.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  ASSERT_TRUE(second.events->watched.wait([&] { return own.has_value(); }));
  EXPECT_EQ(*status, Status::WouldDeadlock);
  EXPECT_TRUE(*own);
}

TEST_F(ConnectionTest, ShutdownBeforeAndWhileStarting) {
  listen();
  Client never = open_client();
  ASSERT_TRUE(never.connection.shutdown(3));
  ASSERT_TRUE(never.events->wait_complete());
  EXPECT_EQ(never.events->complete->cause, CloseReason::Cause::LocalApplication);
  EXPECT_EQ(never.connection.start(client_configuration, "localhost", port).error().status, Status::ClosedHandle);
  for (int i = 0; i < 20; ++i) {
    Client quick = dial();
    ASSERT_TRUE(quick.connection.shutdown(4));
    ASSERT_TRUE(quick.events->wait_complete());
    EXPECT_EQ(quick.events->completions, 1);
  }
}

TEST_F(ConnectionTest, SilentShutdownEndsHereAtOnce) {
  server_settings.idle_timeout_ms = 1000;
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  ASSERT_TRUE(client.connection.shutdown_silently());
  ASSERT_TRUE(client.events->wait_complete());
  // What the peer sees depends on MsQuic: before 2.5.6 it still sends a close. Either way it must come to an end.
  ASSERT_TRUE(server->wait_complete());
}

TEST_F(ConnectionTest, RegistrationShutdownEndsAllConnections) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  registration.shutdown(9);
  ASSERT_TRUE(client.events->wait_complete());
  ASSERT_TRUE(server->wait_complete());
}

}  // namespace
}  // namespace msquic_py::quic::testing
