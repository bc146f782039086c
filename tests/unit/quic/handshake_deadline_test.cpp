// How long a listener lets a handshake take. The peer that never completes one is a client that does not decide about
// the server's certificate: it acknowledges and probes meanwhile, as only a peer can that is alive.
#include <array>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

/// Long enough for a handshake on a busy machine: those of healthy clients must fit.
constexpr std::chrono::milliseconds kShort{1500};
constexpr std::chrono::milliseconds kFarAway{55'000};

class Undecided : public RecordingConnection {
 public:
  bool asked = false;

  CertificateDecision on_peer_certificate(const PeerCertificate&) noexcept override {
    watched.change([&] { asked = true; });
    return CertificateDecision::Pending;
  }
  /// Or ended by a server whose time was up before its certificate came, where that time is short.
  [[nodiscard]] bool wait_asked() {
    return watched.wait([&] { return asked || complete; });
  }
};

class HandshakeDeadlineTest : public QuicTest {
 protected:
  void SetUp() override {
    QuicTest::SetUp();
    // Nobody else ends these handshakes.
    server_settings.handshake_idle_timeout_ms = 60'000;
    client_settings.handshake_idle_timeout_ms = 60'000;
  }

  struct Stuck {
    std::shared_ptr<Undecided> events = std::make_shared<Undecided>();
    Connection connection;
  };
  /// A client that waits for a decision about the server's certificate.
  Stuck get_stuck(std::uint16_t to) {
    Stuck client;
    Credentials credentials = trusting();
    credentials.custom_verification = true;
    credentials.verification_timeout = kFarAway;
    auto opened = Connection::open(registration, client.events);
    EXPECT_TRUE(opened);
    client.connection = *opened;
    EXPECT_TRUE(client.connection.start(open_configuration(client_settings, credentials), "localhost",
                                        *Address::parse("127.0.0.1", to)));
    EXPECT_TRUE(client.events->wait_asked());
    return client;
  }
  Stuck get_stuck() { return get_stuck(port); }
  void expect_timed_out(RecordingConnection& server) {
    ASSERT_TRUE(server.wait_complete());
    EXPECT_EQ(server.complete->cause, CloseReason::Cause::Transport);
    EXPECT_EQ(server.complete->status, Status::HandshakeTimeout) << server.complete->message;
    EXPECT_FALSE(server.complete->remote);
    EXPECT_FALSE(server.complete->handshake_completed);
    EXPECT_NE(server.complete->message.find("1500 ms"), std::string::npos) << server.complete->message;
    EXPECT_FALSE(server.connected);
  }
};

TEST_F(HandshakeDeadlineTest, EndsWhoIsStuckAndNobodyElse) {
  handshake_timeout = kShort;
  listen();
  Client before;
  const auto healthy = connect(before);
  const auto began = std::chrono::steady_clock::now();
  Stuck client = get_stuck();
  Client after;
  const auto also_healthy = connect(after);
  const auto server = listening->wait_connection(1);
  ASSERT_TRUE(server);
  expect_timed_out(*server);
  EXPECT_GE(std::chrono::steady_clock::now() - began, kShort);
  ASSERT_TRUE(client.events->wait_complete()) << "the client was not told";
  EXPECT_TRUE(client.events->complete->remote) << client.events->complete->message;

  // A second one ends, too: by then every other deadline would have passed.
  Stuck again = get_stuck();
  const auto second = listening->wait_connection(3);
  ASSERT_TRUE(second);
  expect_timed_out(*second);
  for (const auto& each : {healthy, also_healthy}) {
    EXPECT_FALSE(each->watched.read([&] { return each->complete.has_value(); }));
    EXPECT_FALSE(each->handle().is_closing());
  }
}

TEST_F(HandshakeDeadlineTest, TheServersOwnDecisionCountsToo) {
  handshake_timeout = kShort;
  Credentials credentials = server_credentials();
  credentials.client_certificates = ClientCertificates::Required;
  credentials.custom_verification = true;
  credentials.verification_timeout = kFarAway;
  listening = std::make_shared<RecordingListener>();
  auto undecided = std::make_shared<Undecided>();
  class Accepting : public ListenerHandler {
   public:
    std::shared_ptr<Undecided> events;
    Configuration configuration;
    std::optional<AcceptedConnection> on_new_connection(const NewConnection& offer) noexcept override {
      events->watched.change([&] { events->connection = offer.connection; });
      return AcceptedConnection{events, configuration};
    }
  };
  const auto accepting = std::make_shared<Accepting>();
  accepting->events = undecided;
  accepting->configuration = open_configuration(server_settings, credentials);
  auto opened = Listener::open(registration, accepting);
  ASSERT_TRUE(opened);
  listener = *opened;
  ASSERT_TRUE(listener.start(alpns(), {Address::any(0), kShort}));
  port = listener.local_address().port();
  Credentials shown = trusting();
  shown.certificate_file = certificate().certificate_file.string();
  shown.private_key_file = certificate().private_key_file.string();
  Client client = dial("localhost", open_configuration(client_settings, shown));
  ASSERT_TRUE(undecided->wait_asked());
  const Connection server = undecided->handle();
  expect_timed_out(*undecided);
  EXPECT_FALSE(Connection(server).complete_certificate(true)) << "the decision still counts";
  EXPECT_TRUE(client.events->wait_complete());
  accepting->configuration = {};
}

TEST_F(HandshakeDeadlineTest, EachHasItsOwnTime) {
  handshake_timeout = kShort;
  listen();
  std::vector<Stuck> stuck;
  std::vector<Client> healthy(3);
  std::vector<std::shared_ptr<RecordingConnection>> servers;
  for (Client& client : healthy) {  // in the queue between two that are stuck
    stuck.push_back(get_stuck());
    servers.push_back(listening->wait_connection(2 * (stuck.size() - 1)));
    ASSERT_TRUE(servers.back());
    ASSERT_TRUE(connect(client));
  }
  ASSERT_TRUE(stuck[1].connection.shutdown(7));  // and one leaves the middle by itself
  ASSERT_TRUE(servers[1]->wait_complete());
  EXPECT_NE(servers[1]->complete->status, Status::HandshakeTimeout) << servers[1]->complete->message;
  expect_timed_out(*servers[0]);
  expect_timed_out(*servers[2]);
  for (const Client& client : healthy) EXPECT_FALSE(client.connection.is_closing());
}

TEST_F(HandshakeDeadlineTest, NoneMeansForEver) {
  handshake_timeout = std::chrono::milliseconds(0);
  listen();
  const auto patient = listening;
  const Listener kept = listener;
  const std::uint16_t patient_port = port;
  Stuck client = get_stuck(patient_port);

  handshake_timeout = kShort;  // of a second listener, as a clock
  listen();
  for (std::size_t n = 0; n < 2; ++n) {
    Stuck other = get_stuck();
    const auto server = listening->wait_connection(n);
    ASSERT_TRUE(server);
    expect_timed_out(*server);
  }
  const auto server = patient->wait_connection();
  ASSERT_TRUE(server);
  EXPECT_FALSE(server->watched.read([&] { return server->complete.has_value(); }));
  EXPECT_TRUE(client.connection.complete_certificate(true));
  EXPECT_TRUE(server->wait_connected());
  client.connection = {};
  EXPECT_TRUE(server->wait_complete());
  patient->configuration = {};
}

TEST_F(HandshakeDeadlineTest, TheListenerMayGoFirst) {
  handshake_timeout = kShort;
  listen();
  Stuck client = get_stuck();
  const auto server = listening->wait_connection();
  ASSERT_TRUE(server);
  ASSERT_TRUE(listener.close(kDeadline));
  expect_timed_out(*server);
}

TEST_F(HandshakeDeadlineTest, EverythingMayGoFirst) {
  handshake_timeout = std::chrono::milliseconds(20);
  for (int round = 0; round < 20; ++round) {  // about when the time is up
    listen();
    std::array<Stuck, 4> clients;
    for (Stuck& each : clients) each = get_stuck();
    if (round % 2 == 0) {
      ASSERT_TRUE(listener.close(kDeadline));
    }
    for (std::size_t n = 0; n < clients.size(); ++n) {
      const auto server = listening->wait_connection(n);
      ASSERT_TRUE(server);
      Connection gone;
      server->watched.change([&] { std::swap(gone, server->connection); });
    }
    listener = {};
    listening->configuration = {};
    if (round % 4 == 3) registration.shutdown(0);
  }
}

TEST_F(HandshakeDeadlineTest, ImpossibleTimesAreRefused) {
  listen();
  ASSERT_TRUE(listener.stop());
  for (const auto wrong : {std::chrono::milliseconds(-1), std::chrono::milliseconds((std::int64_t{1} << 40) + 1)}) {
    EXPECT_EQ(listener.start(alpns(), {Address::any(0), wrong}).error().status, Status::InvalidParameter);
  }
  EXPECT_TRUE(listener.start(alpns(), {Address::any(0), std::chrono::milliseconds(std::int64_t{1} << 40)}));
}

}  // namespace
}  // namespace msquic_py::quic::testing
