#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class ListenerTest : public QuicTest {};

TEST_F(ListenerTest, StopsAndStartsAgainOnTheSamePort) {
  listen();
  Client first;
  const auto server = connect(first);
  ASSERT_TRUE(server && server->wait_connected());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(listener.stop());
    EXPECT_EQ(listener.local_address().port(), 0);
    ASSERT_TRUE(listener.stop());  // twice is fine
    // The accepted connection lives on and keeps the port open, which must not look like a stranger's.
    auto started = listener.start(alpns(), {Address::any(port)});
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(listener.local_address().port(), port);
    Client next;
    ASSERT_TRUE(connect(next));
  }
  EXPECT_FALSE(first.events->complete);
  EXPECT_TRUE(listening->watched.wait([&] { return listening->stops == 3; }));
}

TEST_F(ListenerTest, RefusesAtOnceWhileWhatItAcceptedLivesOn) {
  listen();
  Client first;
  const auto server = connect(first);
  ASSERT_TRUE(server);
  const std::uint16_t served = port;
  ASSERT_TRUE(listener.stop());
  EXPECT_TRUE(listening->watched.wait([&] { return listening->stops == 1; }));
  for (int i = 0; i < 3; ++i) {
    Client late = dial();
    ASSERT_TRUE(late.events->wait_complete());
    EXPECT_EQ(late.events->complete->status, Status::ConnectionRefused) << late.events->complete->message;
  }
  EXPECT_EQ(listening->watched.read([&] { return listening->connections.size(); }), 1u);
  // Dropping the listener changes nothing about that.
  ASSERT_TRUE(listener.close(kDeadline));
  Client late = dial();
  ASSERT_TRUE(late.events->wait_complete());
  EXPECT_EQ(late.events->complete->status, Status::ConnectionRefused) << late.events->complete->message;
  // Another listener may have the port, with the same ALPN.
  const auto before = listening;
  listening = std::make_shared<RecordingListener>();
  listening->configuration = before->configuration;
  auto second = Listener::open(registration, listening);
  const auto started = second->start(alpns(), {Address::any(served)});
  ASSERT_TRUE(started) << started.error().message;
  listener = *second;
  Client next;
  ASSERT_TRUE(connect(next));
  EXPECT_FALSE(first.events->complete);
  Connection gone;
  before->connections.front()->watched.change([&] { std::swap(gone, before->connections.front()->connection); });
}

TEST_F(ListenerTest, ClosesItsPortWithTheLastConnection) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server);
  ASSERT_TRUE(listener.stop());
  ASSERT_TRUE(client.connection.shutdown(0));
  ASSERT_TRUE(client.events->wait_complete() && server->wait_complete());
  Connection gone;
  server->watched.change([&] { std::swap(gone, server->connection); });
  gone = {};
  client.connection = {};
  Watched watched;
  EXPECT_TRUE(watched.wait([] { return Library::live_objects().listeners == 0; }) ||
              Library::live_objects().listeners == 0);
}

TEST_F(ListenerTest, StartedTwice) {
  listen();
  EXPECT_EQ(listener.start(alpns(), {Address::any(0)}).error().status, Status::InvalidState);
}

TEST_F(ListenerTest, AStrangersPortIsRefused) {
  const int socket = ::socket(AF_INET6, SOCK_DGRAM, 0);
  ASSERT_GE(socket, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
  socklen_t size = sizeof(any);
  ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&any), &size), 0);
  const std::uint16_t taken = ntohs(any.sin6_port);
  auto opened = Listener::open(registration, std::make_shared<RecordingListener>());
  ASSERT_TRUE(opened);
  const auto refused = opened->start(alpns(), {Address::any(taken)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, Status::AddressInUse);
  EXPECT_NE(refused.error().message.find(std::to_string(taken)), std::string::npos);
  ::close(socket);
}

TEST_F(ListenerTest, TheSameAlpnTwiceInOneProcess) {
  listen();
  auto second = Listener::open(registration, std::make_shared<RecordingListener>());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->start(alpns(), {Address::any(port)}).error().status, Status::AlpnInUse);
  const std::vector<std::string> other{"other/1"};
  EXPECT_TRUE(second->start(other, {Address::any(port)}));
}

TEST_F(ListenerTest, MisuseIsNamed) {
  Listener empty;
  EXPECT_EQ(empty.start(alpns(), {}).error().status, Status::ClosedHandle);
  EXPECT_EQ(Listener::open(registration, nullptr).error().status, Status::InvalidParameter);
  auto opened = Listener::open(registration, std::make_shared<RecordingListener>());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->start({}, {}).error().status, Status::InvalidParameter);
  const std::vector<std::string> empty_name{""};
  EXPECT_EQ(opened->start(empty_name, {}).error().status, Status::InvalidParameter);
}

TEST_F(ListenerTest, StoppingInsideItsOwnHandler) {
  listen();
  listening->prepare = [this](RecordingConnection&) { static_cast<void>(listener.stop()); };
  Client client = dial();
  EXPECT_TRUE(client.events->wait_connected());
  EXPECT_TRUE(listening->watched.wait([&] { return listening->stops == 1; }));
}

}  // namespace
}  // namespace msquic_py::quic::testing
