#include <unistd.h>

#include <algorithm>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class DatagramTest : public QuicTest {};

TEST_F(DatagramTest, ArriveWithTheirBoundariesAndAreAcknowledged) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  EXPECT_GE(client.connection.max_datagram_size(), 1000);
  const base::SharedBytes parts[] = {bytes("hello "), bytes("datagram")};
  ASSERT_TRUE(client.connection.send_datagram(parts, 42));
  const base::SharedBytes second = bytes("untracked");
  ASSERT_TRUE(client.connection.send_datagram({&second, 1}));
  ASSERT_TRUE(server->watched.wait([&] { return server->datagrams.size() == 2; }));
  EXPECT_TRUE(std::count(server->datagrams.begin(), server->datagrams.end(), "hello datagram") == 1);
  EXPECT_TRUE(std::count(server->datagrams.begin(), server->datagrams.end(), "untracked") == 1);
  ASSERT_TRUE(client.events->watched.wait([&] {
    return !client.events->datagram_states.empty() && is_final(client.events->datagram_states.back().second);
  }));
  for (const auto& [token, state] : client.events->datagram_states) EXPECT_EQ(token, 42u);
  EXPECT_EQ(client.events->datagram_states.back().second, DatagramSendState::Acknowledged);
}

TEST_F(DatagramTest, AServerSendsFromTheFirstMomentOnAsMuchAsItSaysItCan) {
  listen();
  listening->prepare = [](RecordingConnection& each) {
    each.when_connected = [&each] {
      Connection connection = each.handle();
      const std::uint16_t limit = connection.max_datagram_size();
      EXPECT_GE(limit, 1000);
      EXPECT_EQ(each.datagram_limit, limit);
      EXPECT_EQ(each.bidi_available, 100);
      const base::SharedBytes largest = bytes(std::string(limit, 'x'));
      EXPECT_TRUE(connection.send_datagram({&largest, 1}));
    };
  };
  for (int i = 0; i < 20; ++i) {
    Client client;
    const auto server = connect(client);
    ASSERT_TRUE(server && server->wait_connected());
    ASSERT_TRUE(client.events->watched.wait([&] { return client.events->datagrams.size() == 1; })) << i;
    ASSERT_TRUE(client.connection.shutdown(0));
    ASSERT_TRUE(client.events->wait_complete());
  }
}

TEST_F(DatagramTest, AServerSeesThatItsClientTakesNone) {
  client_settings.datagram_receive_enabled = false;
  listen();
  Watched watched;
  bool tried = false;  // "connected" is true before that
  listening->prepare = [&](RecordingConnection& each) {
    each.datagram_limit = 1;
    each.when_connected = [&] {
      EXPECT_EQ(each.datagram_limit, 0);
      const base::SharedBytes small = bytes("x");
      EXPECT_EQ(each.handle().send_datagram({&small, 1}).error().status, Status::DatagramUnavailable);
      watched.change([&] { tried = true; });
    };
  };
  Client client;
  ASSERT_TRUE(connect(client));
  ASSERT_TRUE(watched.wait([&] { return tried; }));
}

TEST_F(DatagramTest, PriorityOvertakesWhatIsQueued) {
  listen();
  Client client = open_client();
  // What a callback sends is put in order after it, all in one packet.
  client.events->when_connected = [&client] {
    for (const auto& [text, flags] : {std::pair{"first", DatagramSendFlags::None},
                                      {"second", DatagramSendFlags::None},
                                      {"urgent", DatagramSendFlags::Priority},
                                      {"also urgent", DatagramSendFlags::Priority}}) {
      const base::SharedBytes data = bytes(text);
      EXPECT_TRUE(client.connection.send_datagram({&data, 1}, 0, flags));
    }
  };
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  const auto server = listening->wait_connection();
  ASSERT_TRUE(server && server->watched.wait([&] { return server->datagrams.size() == 4; }));
  EXPECT_EQ(server->datagrams, (std::vector<std::string>{"urgent", "also urgent", "first", "second"}));
}

TEST_F(DatagramTest, MayBeEmpty) {
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  const base::SharedBytes nothing;
  ASSERT_TRUE(client.connection.send_datagram({&nothing, 1}));
  ASSERT_TRUE(client.connection.send_datagram({}, 7));
  ASSERT_TRUE(server->watched.wait([&] { return server->datagrams.size() == 2; }));
  EXPECT_EQ(server->datagrams, (std::vector<std::string>{"", ""}));
}

TEST_F(DatagramTest, TooLargeNamesTheLimit) {
  listen();
  Client client;
  ASSERT_TRUE(connect(client));
  const base::SharedBytes big = bytes(std::string(5000, 'x'));
  const auto sent = client.connection.send_datagram({&big, 1});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().status, Status::DatagramTooLarge);
  EXPECT_NE(sent.error().message.find("5000"), std::string::npos);
}

TEST_F(DatagramTest, UnavailableWhenThePeerDidNotEnableThemOrAfterTheEnd) {
  server_settings.datagram_receive_enabled = false;
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  const base::SharedBytes small = bytes("x");
  ASSERT_TRUE(client.events->watched.wait([&] { return client.events->datagram_limit == 0; }));
  EXPECT_EQ(client.connection.send_datagram({&small, 1}).error().status, Status::DatagramUnavailable);
  ASSERT_TRUE(client.connection.shutdown(0));
  ASSERT_TRUE(server->wait_complete());
  EXPECT_EQ(server->connection.max_datagram_size(), 0);
}

TEST_F(DatagramTest, ABurstIsAnsweredForEveryTokenEvenWhenTheConnectionCloses) {
  listen();
  Client client;
  ASSERT_TRUE(connect(client));
  const base::SharedBytes payload = bytes(std::string(1000, 'x'));
  std::size_t accepted = 0;
  for (std::uint64_t token = 1; token <= 2000; ++token) {
    if (client.connection.send_datagram({&payload, 1}, token)) ++accepted;
  }
  ASSERT_TRUE(client.connection.shutdown(0));
  ASSERT_TRUE(client.events->wait_complete());
  const auto final_states = client.events->watched.read([&] {
    return static_cast<std::size_t>(std::count_if(client.events->datagram_states.begin(),
                                                  client.events->datagram_states.end(),
                                                  [](const auto& each) { return is_final(each.second); }));
  });
  EXPECT_EQ(final_states, accepted);
}

}  // namespace
}  // namespace msquic_py::quic::testing
