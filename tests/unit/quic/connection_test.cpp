#include <unistd.h>

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

TEST_F(ConnectionTest, AReasonPhraseIsAcceptedAndTooLongOnesAreRefused) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  EXPECT_EQ(client.connection.shutdown(1, std::string(513, 'x')).error().status, Status::InvalidParameter);
  EXPECT_EQ(client.connection.shutdown(std::uint64_t{1} << 62).error().status, Status::InvalidParameter);
  ASSERT_TRUE(client.connection.shutdown(7, "going home"));
  ASSERT_TRUE(server->wait_complete());
  EXPECT_EQ(server->complete->code, 7u);
  // The phrase itself is best effort.
  EXPECT_TRUE(server->complete->reason.empty() || server->complete->reason == "going home") << server->complete->reason;
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
