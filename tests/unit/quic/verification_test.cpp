// Decisions of the program about a peer's certificate: ConnectionHandler::on_peer_certificate().
#include <unistd.h>

#include <functional>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

/// Asks `decide`.
class VerifyingConnection : public RecordingConnection {
 public:
  std::function<CertificateDecision(const PeerCertificate&)> decide;
  int asked = 0;
  std::vector<base::ByteVector> shown;
  std::string name;
  CertificateVerdict verdict;

  CertificateDecision on_peer_certificate(const PeerCertificate& certificate) noexcept override {
    watched.change([&] {
      ++asked;
      shown = certificate.chain;
      name = certificate.server_name;
      verdict = certificate.verdict;
    });
    return decide ? decide(certificate) : CertificateDecision::Pending;
  }
  [[nodiscard]] bool wait_asked() {
    return watched.wait([&] { return asked > 0; });
  }
};

class VerificationTest : public QuicTest {
 protected:
  struct Verifying {
    std::shared_ptr<VerifyingConnection> events = std::make_shared<VerifyingConnection>();
    Connection connection;
  };

  static Credentials asking(Credentials credentials) {
    credentials.custom_verification = true;
    return credentials;
  }
  Verifying start(const Credentials& credentials, std::function<CertificateDecision(const PeerCertificate&)> decide,
                  const std::string& host = "localhost") {
    Verifying client;
    client.events->decide = std::move(decide);
    auto opened = Connection::open(registration, client.events);
    EXPECT_TRUE(opened);
    client.connection = *opened;
    EXPECT_TRUE(client.connection.start(open_configuration(client_settings, credentials), host,
                                        *Address::parse("127.0.0.1", port)));
    return client;
  }
  static CertificateDecision accept(const PeerCertificate&) { return CertificateDecision::Accept; }
  static CertificateDecision reject(const PeerCertificate&) { return CertificateDecision::Reject; }
  static CertificateDecision later(const PeerCertificate&) { return CertificateDecision::Pending; }
};

TEST_F(VerificationTest, TheProgramSeesCertificateNameAndVerdict) {
  listen();
  Verifying client = start(asking(trusting()), accept);
  ASSERT_TRUE(client.events->wait_connected());
  const Certificate own = listening->configuration.certificate();
  ASSERT_TRUE(own);
  EXPECT_EQ(client.events->shown, own.chain());
  EXPECT_EQ(client.events->name, "localhost");
  EXPECT_TRUE(client.events->verdict.good()) << client.events->verdict.message;
  EXPECT_EQ(client.connection.peer_certificate(), own.chain().front());
  EXPECT_EQ(client.connection.peer_certificate_chain(), own.chain());
}

TEST_F(VerificationTest, TheProgramMayAcceptWhatTheLibraryWouldNot) {
  listen();
  Verifying client = start(asking(Credentials::client()), accept);
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_EQ(client.events->verdict.status, Status::UnknownCa);
}

TEST_F(VerificationTest, ARefusalReachesBothSides) {
  listen();
  Verifying client = start(asking(trusting()), reject);
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::CertificateRefused);
  EXPECT_EQ(client.events->complete->code, 0x100u + 46);
  const auto server = listening->wait_connection();
  ASSERT_TRUE(server && server->wait_complete());
  EXPECT_EQ(server->complete->status, Status::UnknownCertificate) << server->complete->message;
  EXPECT_FALSE(server->connected);
}

TEST_F(VerificationTest, TheLibrarysVerdictIsTheDefault) {
  listen();
  Verifying good = start(asking(trusting()), [](const PeerCertificate& certificate) {
    RecordingConnection handler;
    return handler.ConnectionHandler::on_peer_certificate(certificate);
  });
  EXPECT_TRUE(good.events->wait_connected());
  Verifying bad = start(asking(Credentials::client()), [](const PeerCertificate& certificate) {
    RecordingConnection handler;
    return handler.ConnectionHandler::on_peer_certificate(certificate);
  });
  ASSERT_TRUE(bad.events->wait_complete());
  EXPECT_EQ(bad.events->complete->status, Status::UnknownCa);
  EXPECT_EQ(bad.events->complete->code, 0x100u + 48);
}

TEST_F(VerificationTest, TheDecisionMayComeLater) {
  listen();
  Verifying client = start(asking(Credentials::client()), later);
  ASSERT_TRUE(client.events->wait_asked());
  EXPECT_FALSE(client.events->watched.read([&] { return client.events->connected; }));
  EXPECT_TRUE(client.connection.complete_certificate(true));
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_FALSE(client.connection.complete_certificate(false)) << "a second decision counts";
  const auto server = listening->wait_connection();
  EXPECT_TRUE(server && server->wait_connected());

  Verifying other = start(asking(trusting()), later);
  ASSERT_TRUE(other.events->wait_asked());
  EXPECT_TRUE(other.connection.complete_certificate(false, "not today"));
  ASSERT_TRUE(other.events->wait_complete());
  EXPECT_EQ(other.events->complete->status, Status::CertificateRefused);
  EXPECT_EQ(other.events->complete->message, "not today");
  const auto refused = listening->wait_connection(1);
  ASSERT_TRUE(refused && refused->wait_complete());
  EXPECT_EQ(refused->complete->code, 0x100u + 46);
}

TEST_F(VerificationTest, ADecisionDuringTheQuestionComesFirst) {
  listen();
  for (const bool good : {true, false}) {
    Verifying client;
    auto opened = Connection::open(registration, client.events);
    ASSERT_TRUE(opened);
    client.connection = *opened;
    const CertificateDecision opposite = good ? CertificateDecision::Reject : CertificateDecision::Accept;
    client.events->decide = [&client, good, opposite](const PeerCertificate&) {
      EXPECT_TRUE(client.connection.complete_certificate(good));
      return opposite;
    };
    ASSERT_TRUE(client.connection.start(open_configuration(client_settings, asking(trusting())), "localhost",
                                        *Address::parse("127.0.0.1", port)));
    EXPECT_EQ(client.events->wait_connected(), good);
  }
}

TEST_F(VerificationTest, ADecisionThatTakesTooLongRefuses) {
  listen();
  Credentials credentials = asking(trusting());
  credentials.verification_timeout = std::chrono::milliseconds(50);
  Verifying client = start(credentials, later);
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::CertificateRefused);
  EXPECT_NE(client.events->complete->message.find("too long"), std::string::npos);
  EXPECT_FALSE(client.connection.complete_certificate(true));
  client_settings.handshake_idle_timeout_ms = 1000;
  credentials.verification_timeout = std::chrono::milliseconds(1000);
  EXPECT_EQ(Configuration::open(registration, alpns(), client_settings, credentials).error().status,
            Status::InvalidParameter);
}

TEST_F(VerificationTest, ADecisionAfterTheEndIsHarmless) {
  listen();
  Verifying client = start(asking(trusting()), later);
  ASSERT_TRUE(client.events->wait_asked());
  ASSERT_TRUE(client.connection.shutdown(7));
  EXPECT_FALSE(client.connection.complete_certificate(true));
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->cause, CloseReason::Cause::LocalApplication);
  EXPECT_FALSE(client.connection.complete_certificate(true));
  // The last handle goes while the question is open.
  Verifying dropped = start(asking(trusting()), later);
  ASSERT_TRUE(dropped.events->wait_asked());
  dropped.connection = {};
  EXPECT_TRUE(dropped.events->wait_complete());
}

/// A server that decides about its clients' certificates.
class ClientVerificationTest : public VerificationTest {
 protected:
  std::vector<std::shared_ptr<VerifyingConnection>> accepted;

  class VerifyingListener : public ListenerHandler {
   public:
    Watched watched;
    Configuration configuration;
    std::vector<std::shared_ptr<VerifyingConnection>> connections;
    std::optional<AcceptedConnection> on_new_connection(const NewConnection& offer) noexcept override {
      auto handler = std::make_shared<VerifyingConnection>();
      handler->connection = offer.connection;
      watched.change([&] { connections.push_back(handler); });
      return AcceptedConnection{handler, configuration};
    }
  };

  void listen_for_clients() {
    Credentials credentials = asking(server_credentials());
    credentials.client_certificates = ClientCertificates::Required;
    credentials.ca_file = certificate().certificate_file.string();
    verifying->configuration = open_configuration(server_settings, credentials);
    auto opened = Listener::open(registration, verifying);
    ASSERT_TRUE(opened);
    listener = *opened;
    ASSERT_TRUE(listener.start(alpns(), {Address::any(0)}));
    port = listener.local_address().port();
  }
  void TearDown() override {
    for (const auto& each : verifying->connections) {
      Connection gone;
      each->watched.change([&] { std::swap(gone, each->connection); });
    }
    verifying->configuration = {};
    VerificationTest::TearDown();
  }
  Client dial_with_certificate() {
    Credentials credentials = trusting();
    credentials.certificate_file = certificate().certificate_file.string();
    credentials.private_key_file = certificate().private_key_file.string();
    return dial("localhost", open_configuration(client_settings, credentials));
  }
  std::shared_ptr<VerifyingConnection> wait_asked() {
    if (!verifying->watched.wait([&] { return !verifying->connections.empty(); })) return nullptr;
    auto server = verifying->watched.read([&] { return verifying->connections.front(); });
    return server->wait_asked() ? server : nullptr;
  }

  std::shared_ptr<VerifyingListener> verifying = std::make_shared<VerifyingListener>();
};

TEST_F(ClientVerificationTest, AServerMayDecideLater) {
  listen_for_clients();
  Client client = dial_with_certificate();
  const auto server = wait_asked();
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->verdict.good()) << server->verdict.message;
  EXPECT_TRUE(server->connection.complete_certificate(true));
  ASSERT_TRUE(server->wait_connected());
  ASSERT_TRUE(client.events->wait_connected());
  EXPECT_FALSE(server->connection.peer_certificate().empty());
}

TEST_F(ClientVerificationTest, AClientThatLeavesMeanwhileCrashesNothing) {
  listen_for_clients();
  Client client = dial_with_certificate();
  const auto server = wait_asked();
  ASSERT_TRUE(server);
  ASSERT_TRUE(client.connection.shutdown(3));
  ASSERT_TRUE(client.events->wait_complete());
  // The server hears of it, or not before its decision: MsQuic holds back what comes during the question.
  static_cast<void>(server->connection.complete_certificate(true));
  ASSERT_TRUE(server->wait_complete());
  EXPECT_FALSE(server->connection.complete_certificate(true));
}

TEST_F(ClientVerificationTest, ARefusedClientHearsIt) {
  listen_for_clients();
  Client client = dial_with_certificate();
  const auto server = wait_asked();
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->connection.complete_certificate(false));
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_EQ(client.events->complete->status, Status::UnknownCertificate) << client.events->complete->message;
  EXPECT_EQ(client.events->complete->code, 0x100u + 46);
}

}  // namespace
}  // namespace msquic_py::quic::testing
