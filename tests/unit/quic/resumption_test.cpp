#include <unistd.h>

#include <set>

#include "quic/resumption_ticket.h"
#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class ResumptionTest : public QuicTest {
 protected:
  void SetUp() override {
    QuicTest::SetUp();
    server_settings.server_resumption_level = ServerResumption::ResumeAndZeroRtt;
    listen();
  }
  /// A ticket from a first connection.
  base::ByteVector obtain_ticket() {
    Client client;
    const auto server = connect(client);
    EXPECT_TRUE(server && server->wait_connected());
    EXPECT_TRUE(server->connection.send_resumption_ticket(base::as_bytes("state")));
    EXPECT_TRUE(client.events->watched.wait([&] { return !client.events->tickets.empty(); }));
    base::ByteVector ticket = client.events->watched.read([&] { return client.events->tickets.front(); });
    EXPECT_TRUE(client.connection.shutdown(0));
    EXPECT_TRUE(client.events->wait_complete());
    return ticket;
  }
};

TEST_F(ResumptionTest, ASessionIsResumedWithEarlyData) {
  const base::ByteVector ticket = obtain_ticket();
  std::string application_data;
  listening->prepare = [&](RecordingConnection& each) {
    each.resume = [&](base::Bytes data) {
      application_data = base::as_text(data);
      return true;
    };
  };
  Client client = open_client();
  ASSERT_TRUE(client.connection.set_resumption_ticket(ticket));
  const auto handler = std::make_shared<RecordingStream>();
  auto opened = client.connection.open_stream(StreamDirection::Unidirectional, handler, true);
  ASSERT_TRUE(opened);
  Stream stream = *opened;
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  ASSERT_TRUE(send(stream, "early", SendFlags::Start | SendFlags::Fin | SendFlags::AllowZeroRtt));
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_TRUE(client.events->resumed);
  const auto server = listening->wait_connection(1);
  ASSERT_TRUE(server);
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, "early");
  ASSERT_TRUE(server->wait_connected());
  EXPECT_EQ(application_data, "state");
  EXPECT_TRUE(server->resumed);
}

TEST_F(ResumptionTest, OnlyWhatIsAllowedToGoesEarly) {
  const base::ByteVector ticket = obtain_ticket();
  const std::size_t before = listening->connections.size();
  Client client = open_client();
  ASSERT_TRUE(client.connection.set_resumption_ticket(ticket));
  const auto open = [&](bool early) {
    auto opened =
        client.connection.open_stream(StreamDirection::Unidirectional, std::make_shared<RecordingStream>(), early);
    EXPECT_TRUE(opened);
    return *opened;
  };
  Stream plain = open(false);
  Stream announced = open(false);
  Stream unmarked = open(true);
  Stream mixed = open(true);
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  EXPECT_TRUE(send(plain, "plain", SendFlags::Start | SendFlags::Fin));
  EXPECT_TRUE(announced.start(StreamStartFlags::Immediate));
  EXPECT_TRUE(send(announced, "announced", SendFlags::Fin));
  EXPECT_TRUE(send(unmarked, "unmarked", SendFlags::Start));
  EXPECT_TRUE(send(unmarked, " marked", SendFlags::AllowZeroRtt | SendFlags::Fin));
  EXPECT_TRUE(send(mixed, "early", SendFlags::Start | SendFlags::AllowZeroRtt));
  const auto refused = send(mixed, " late", SendFlags::Fin);
  if (!refused) {
    EXPECT_EQ(refused.error().status, Status::InvalidState);
  }
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_TRUE(client.events->resumed);
  if (!refused) {
    EXPECT_TRUE(send(mixed, " late", SendFlags::Fin));
  }
  const auto server = listening->wait_connection(before);
  ASSERT_TRUE(server);
  std::set<std::string> early;
  std::set<std::string> all;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto peer = server->wait_peer_stream(i);
    ASSERT_TRUE(peer && peer->watched.wait([&] { return peer->fin; }));
    all.insert(peer->received);
    if (peer->early_data) early.insert(peer->received);
  }
  EXPECT_EQ(all, (std::set<std::string>{"plain", "announced", "unmarked marked", "early late"}));
  early.erase("early late");  // early or not, as the handshake went
  EXPECT_EQ(early, std::set<std::string>{});
}

TEST_F(ResumptionTest, NoTicketFollowsTheLast) {
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && server->wait_connected());
  ASSERT_TRUE(server->connection.send_resumption_ticket(base::as_bytes("one")));
  ASSERT_TRUE(server->connection.send_resumption_ticket(base::as_bytes("two"), true));
  EXPECT_EQ(server->connection.send_resumption_ticket().error().status, Status::InvalidState);
  EXPECT_EQ(server->connection.send_resumption_ticket({}, true).error().status, Status::InvalidState);
  ASSERT_TRUE(client.events->watched.wait([&] { return client.events->tickets.size() == 2; }));
}

TEST_F(ResumptionTest, TheServerMayRefuseTheSession) {
  const base::ByteVector ticket = obtain_ticket();
  listening->prepare = [](RecordingConnection& each) { each.resume = [](base::Bytes) { return false; }; };
  Client client = open_client();
  ASSERT_TRUE(client.connection.set_resumption_ticket(ticket));
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_FALSE(client.events->resumed);
}

TEST_F(ResumptionTest, ATicketOfAMoreGenerousServerCostsTheSessionOnly) {
  // MsQuic remembers in a ticket how much the server admitted, and resumes nothing under lower limits.
  Credentials credentials = server_credentials();
  credentials.ticket_keys = base::ByteVector(32, 7);
  listening->configuration = open_configuration(server_settings, credentials);
  const base::ByteVector ticket = obtain_ticket();
  server_settings.peer_bidi_stream_count = 1;
  listening->configuration = open_configuration(server_settings, credentials);
  Client client = open_client();
  ASSERT_TRUE(client.connection.set_resumption_ticket(ticket));
  ASSERT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_FALSE(client.events->resumed);
}

TEST_F(ResumptionTest, ATicketCarriesNoTrustElsewhere) {
  const base::ByteVector ticket = obtain_ticket();
  Client other_name = open_client();
  ASSERT_TRUE(other_name.connection.set_resumption_ticket(ticket));
  EXPECT_EQ(other_name.connection.start(client_configuration, "127.0.0.1", port).error().status,
            Status::TicketMismatch);
  Client other_trust = open_client();
  ASSERT_TRUE(other_trust.connection.set_resumption_ticket(ticket));
  const Configuration lax = open_configuration(client_settings, Credentials::client_without_validation());
  EXPECT_EQ(other_trust.connection.start(lax, "localhost", port).error().status, Status::TicketMismatch);
  EXPECT_EQ(other_trust.connection.set_resumption_ticket(base::as_bytes("garbage")).error().status,
            Status::InvalidParameter);
  // A mismatch does not use the connection up.
  EXPECT_TRUE(other_name.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
  EXPECT_TRUE(other_name.events->wait_connected());
}

TEST(ResumptionTicketTest, SurvivesItsEncodingAndRefusesEveryTruncation) {
  const base::ByteVector opaque{1, 2, 3};
  const base::ByteVector encoded = ResumptionTicket{"host.example", "test/1", "ca:a", opaque}.encode();
  const auto decoded = ResumptionTicket::decode(encoded);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->server_name, "host.example");
  EXPECT_EQ(decoded->alpn, "test/1");
  EXPECT_EQ(decoded->trust, "ca:a");
  EXPECT_EQ(base::ByteVector(decoded->opaque.begin(), decoded->opaque.end()), opaque);
  for (std::size_t size = 0; size + opaque.size() <= encoded.size(); ++size) {
    EXPECT_FALSE(ResumptionTicket::decode({encoded.data(), size})) << size;
  }
}

}  // namespace
}  // namespace msquic_py::quic::testing
