// Several certificates by server name, their replacement, client certificates, ticket keys and the key log.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "quic/server_configurations.h"
#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class ServerCertificatesTest : public QuicTest {
 protected:
  static std::filesystem::path scratch(const std::string& name) {
    return certificate().certificate_file.parent_path() / name;
  }
  /// A certificate for `names` of its own.
  static Certificate make(const std::string& directory, std::vector<std::string> names) {
    auto made = DevelopmentCertificate::create(scratch(directory), {std::move(names), false, 13});
    EXPECT_TRUE(made) << made.error().message;
    auto loaded = Certificate::from_files(made->certificate_file, made->private_key_file);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? *loaded : Certificate();
  }
  /// The fingerprint of what a client that asks for `name` is shown.
  std::string shown_to(const std::string& name) {
    Client client = dial(name, open_configuration(client_settings, Credentials::client_without_validation()));
    EXPECT_TRUE(client.events->wait_connected());
    const base::ByteVector der = client.connection.peer_certificate();
    for (const auto& [known, fingerprint] : fingerprints) {
      if (known == der) return fingerprint;
    }
    return "unknown";
  }
  void remember(const std::string& as, const Certificate& known) {
    fingerprints.emplace_back(base::ByteVector(known.der().begin(), known.der().end()), as);
  }
  void listen_with(const ServerConfigurations& configurations) {
    listen();
    listening->configuration = {};
    ASSERT_TRUE(listener.set_configurations(configurations));
  }

  std::vector<std::pair<base::ByteVector, std::string>> fingerprints;
};

TEST_F(ServerCertificatesTest, NamesChooseTheCertificate) {
  const Certificate fallback = make("fallback", {"localhost"});
  const Certificate exact = make("exact", {"a.example"});
  const Certificate wildcard = make("wildcard", {"*.example"});
  remember("fallback", fallback);
  remember("exact", exact);
  remember("wildcard", wildcard);
  const Configuration base = open_configuration(server_settings, Credentials::server(fallback));
  auto all = ServerConfigurations::from_certificates(base, {{"A.example.", exact}, {"*.example", wildcard}});
  ASSERT_TRUE(all) << all.error().message;
  listen_with(*all);
  EXPECT_EQ(shown_to("a.example"), "exact");
  EXPECT_EQ(shown_to("A.EXAMPLE"), "exact");
  EXPECT_EQ(shown_to("b.example"), "wildcard");
  EXPECT_EQ(shown_to("c.b.example"), "fallback");
  EXPECT_EQ(shown_to("example"), "fallback");
  EXPECT_EQ(shown_to("127.0.0.1"), "fallback") << "an address is no server name";
}

TEST_F(ServerCertificatesTest, ReplacingACertificateLeavesConnectionsAlone) {
  const Certificate before = make("before", {"localhost"});
  const Certificate after = make("after", {"localhost"});
  remember("before", before);
  remember("after", after);
  const Configuration base = open_configuration(server_settings, Credentials::server(before));
  listen_with(ServerConfigurations(base));
  Client old = dial("localhost", open_configuration(client_settings, Credentials::client_without_validation()));
  ASSERT_TRUE(old.events->wait_connected());
  EXPECT_EQ(shown_to("localhost"), "before");

  auto renewed = base.with_certificate(after);
  ASSERT_TRUE(renewed) << renewed.error().message;
  ASSERT_TRUE(listener.set_configurations(ServerConfigurations(*renewed)));
  EXPECT_EQ(shown_to("localhost"), "after");
  auto stream = old.connection.open_stream(StreamDirection::Unidirectional, std::make_shared<RecordingStream>());
  ASSERT_TRUE(stream);
  ASSERT_TRUE(send(*stream, "still here", SendFlags::Start | SendFlags::Fin));
  const auto server = listening->wait_connection();
  const auto peer = server->wait_peer_stream();
  ASSERT_TRUE(peer && peer->watched.wait([&] { return peer->fin; }));
  EXPECT_EQ(peer->received, "still here");
  EXPECT_FALSE(old.events->complete);
}

TEST_F(ServerCertificatesTest, WhatIsNoNameIsRefused) {
  ServerConfigurations configurations;
  for (const char* name : {"*", "*.", "a..b", ".a", "ex*mple.org", "a b",
                           "b\xC3\xBC"
                           "cher.example"}) {
    EXPECT_EQ(configurations.set(name, {}).error().status, Status::InvalidParameter) << name;
  }
  for (const char* name : {"", "a", "a.b", "*.a.b", "xn--bcher-kva.example", "_x.a"}) {
    EXPECT_TRUE(configurations.set(name, {})) << name;
  }
}

TEST_F(ServerCertificatesTest, ClientCertificatesMayBeOptional) {
  Credentials credentials = server_credentials();
  credentials.client_certificates = ClientCertificates::Optional;
  credentials.ca_file = certificate().certificate_file.string();
  listen(credentials);
  Client without = dial();
  ASSERT_TRUE(without.events->wait_connected());
  ASSERT_TRUE(listening->wait_connection()->wait_connected());
  EXPECT_TRUE(listening->wait_connection()->connection.peer_certificate().empty());

  Credentials own = trusting();
  own.certificate_file = certificate().certificate_file.string();
  own.private_key_file = certificate().private_key_file.string();
  Client with = dial("localhost", open_configuration(client_settings, own));
  ASSERT_TRUE(with.events->wait_connected());
  const auto server = listening->wait_connection(1);
  ASSERT_TRUE(server->wait_connected());
  EXPECT_EQ(server->connection.peer_certificate(), listening->configuration.certificate().chain().front());

  own = trusting();
  own.certificate = make("stranger", {"someone"});
  Client stranger = dial("localhost", open_configuration(client_settings, own));
  ASSERT_TRUE(stranger.events->wait_complete());
  EXPECT_EQ(stranger.events->complete->status, Status::UnknownCa) << stranger.events->complete->message;
  EXPECT_EQ(stranger.events->complete->code, 0x100u + 48);
}

TEST_F(ServerCertificatesTest, ContradictionsAreNamed) {
  const auto status = [&](const Settings& settings, const Credentials& credentials) {
    auto opened = Configuration::open(registration, alpns(), settings, credentials);
    return opened ? Status::Success : opened.error().status;
  };
  Settings resuming = server_settings;
  resuming.server_resumption_level = ServerResumption::ResumeOnly;
  Credentials asks = server_credentials();
  asks.client_certificates = ClientCertificates::Optional;
  EXPECT_EQ(status(server_settings, asks), Status::Success);
  EXPECT_EQ(status(resuming, asks), Status::InvalidParameter);
  Credentials keys = server_credentials();
  keys.ticket_keys.assign(31, 1);
  EXPECT_EQ(status(resuming, keys), Status::InvalidParameter);
  keys.ticket_keys.assign(32, 1);
  EXPECT_EQ(status(resuming, keys), Status::Success);
  Credentials pins;
  pins.pinned_sha256 = {"12:34"};
  EXPECT_EQ(status(client_settings, pins), Status::InvalidParameter);
  pins.pinned_sha256.clear();
  pins.pinned_public_key_sha256 = {"sha256/AAAA"};
  EXPECT_EQ(status(client_settings, pins), Status::InvalidParameter);
  Credentials client = trusting();
  client.client_certificates = ClientCertificates::Required;
  EXPECT_EQ(status(client_settings, client), Status::InvalidParameter);
}

TEST_F(ServerCertificatesTest, TicketsOutliveAConfigurationOnlyWithItsKeys) {
  server_settings.server_resumption_level = ServerResumption::ResumeOnly;
  Credentials credentials = server_credentials();
  credentials.ticket_keys.assign(32, 7);
  listen(credentials);
  Client first;
  const auto server = connect(first);
  ASSERT_TRUE(server && server->wait_connected());
  ASSERT_TRUE(server->connection.send_resumption_ticket());
  ASSERT_TRUE(first.events->watched.wait([&] { return !first.events->tickets.empty(); }));
  const base::ByteVector ticket = first.events->tickets.front();
  const auto resumes = [&] {
    Client client = open_client();
    EXPECT_TRUE(client.connection.set_resumption_ticket(ticket));
    EXPECT_TRUE(client.connection.start(client_configuration, "localhost", *Address::parse("127.0.0.1", port)));
    EXPECT_TRUE(client.events->wait_connected());
    return client.events->watched.read([&] { return client.events->resumed; });
  };
  listening->watched.change([&] { listening->configuration = open_configuration(server_settings, credentials); });
  EXPECT_TRUE(resumes());
  credentials.ticket_keys.assign(32, 8);
  listening->watched.change([&] { listening->configuration = open_configuration(server_settings, credentials); });
  EXPECT_FALSE(resumes());
  credentials.ticket_keys.clear();
  listening->watched.change([&] { listening->configuration = open_configuration(server_settings, credentials); });
  EXPECT_FALSE(resumes());
}

TEST_F(ServerCertificatesTest, TheKeyLogHasTheSameSecretsFromBothSides) {
  const std::string client_log = scratch("client.log").string();
  const std::string server_log = scratch("server.log").string();
  Credentials credentials = server_credentials();
  credentials.keylog_file = server_log;
  listen(credentials);
  credentials = trusting();
  credentials.keylog_file = client_log;
  Client client = dial("localhost", open_configuration(client_settings, credentials));
  ASSERT_TRUE(client.events->wait_connected());
  ASSERT_TRUE(listening->wait_connection()->wait_connected());
  const auto read = [](const std::string& path) {
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  };
  const std::string text = read(client_log);
  EXPECT_EQ(text, read(server_log));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("CLIENT_TRAFFIC_SECRET_0 "), std::string::npos);
  const auto mode = std::filesystem::status(client_log).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  credentials.keylog_file = "/nowhere/keys.log";
  auto unwritable = Configuration::open(registration, alpns(), client_settings, credentials);
  ASSERT_FALSE(unwritable);
  EXPECT_NE(unwritable.error().message.find("/nowhere/keys.log"), std::string::npos);
}

TEST_F(ServerCertificatesTest, AHandshakeThatFailsIsLoggedToo) {
  const std::string log = scratch("failed.log").string();
  listen();
  Credentials credentials = Credentials::client();
  credentials.keylog_file = log;
  Client client = dial("localhost", open_configuration(client_settings, credentials));
  ASSERT_TRUE(client.events->wait_complete());
  std::ifstream file(log);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_NE(text.find("SERVER_HANDSHAKE_TRAFFIC_SECRET "), std::string::npos) << text;
}

}  // namespace
}  // namespace msquic_py::quic::testing
