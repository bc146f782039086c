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
    auto started = listener.start(alpns(), {Address::any(port), false});
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(listener.local_address().port(), port);
    Client next;
    ASSERT_TRUE(connect(next));
  }
  EXPECT_FALSE(first.events->complete);
  EXPECT_TRUE(listening->watched.wait([&] { return listening->stops == 3; }));
}

TEST_F(ListenerTest, StartedTwice) {
  listen();
  EXPECT_EQ(listener.start(alpns(), {Address::any(0), false}).error().status, Status::InvalidState);
}

TEST_F(ListenerTest, AStrangersPortIsRefusedAndMayBeSharedOnRequest) {
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
  const auto refused = opened->start(alpns(), {Address::any(taken), false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, Status::AddressInUse);
  EXPECT_NE(refused.error().message.find(std::to_string(taken)), std::string::npos);
  EXPECT_TRUE(opened->start(alpns(), {Address::any(taken), true}));
  ::close(socket);
}

TEST_F(ListenerTest, TheSameAlpnTwiceInOneProcess) {
  listen();
  auto second = Listener::open(registration, std::make_shared<RecordingListener>());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->start(alpns(), {Address::any(port), false}).error().status, Status::AlpnInUse);
  const std::vector<std::string> other{"other/1"};
  EXPECT_TRUE(second->start(other, {Address::any(port), false}));
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
