#include <unistd.h>

#include <fstream>

#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

class CertificateTest : public QuicTest {
 protected:
  static std::filesystem::path scratch(const std::string& name) {
    return certificate().certificate_file.parent_path() / name;
  }
  DevelopmentCertificate make(const std::string& name, std::vector<std::string> names) {
    auto made = DevelopmentCertificate::create(scratch(name), {std::move(names), false, 13});
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : DevelopmentCertificate();
  }
  /// Connects to a server that shows `shown`, trusting it, under the name `host`.
  CloseReason attempt(const DevelopmentCertificate& shown, const std::string& host) {
    listen(Credentials::server(shown.certificate_file.string(), shown.private_key_file.string()));
    return attempt_with(Credentials::client_trusting(shown.certificate_file.string()), host);
  }
  CloseReason attempt_with(const Credentials& credentials, const std::string& host) {
    Client client = dial(host, open_configuration(client_settings, credentials));
    EXPECT_TRUE(client.events->watched.wait([&] { return client.events->connected || client.events->complete; }));
    return client.events->connected ? CloseReason() : *client.events->complete;
  }
};

TEST_F(CertificateTest, AnotherHostsCertificateIsRefusedByName) {
  const CloseReason reason = attempt(make("other", {"other.example"}), "localhost");
  EXPECT_EQ(reason.cause, CloseReason::Cause::Transport);
  EXPECT_EQ(reason.status, Status::CertificateNameMismatch);
  EXPECT_NE(reason.message.find("localhost"), std::string::npos);
  ASSERT_TRUE(listening->wait_connection()->wait_complete());
  EXPECT_FALSE(listening->wait_connection()->connected);
}

TEST_F(CertificateTest, TheDialledNameMayDifferInCaseAndTrailingDot) {
  EXPECT_EQ(attempt(make("case", {"host.example"}), "HOST.example.").cause, CloseReason::Cause::None);
}

TEST_F(CertificateTest, WildcardsCoverOneLabel) {
  const auto wildcard = make("wildcard", {"*.host.example"});
  EXPECT_EQ(attempt(wildcard, "a.host.example").cause, CloseReason::Cause::None);
  const Credentials trust = Credentials::client_trusting(wildcard.certificate_file.string());
  EXPECT_EQ(attempt_with(trust, "a.b.host.example").status, Status::CertificateNameMismatch);
}

TEST_F(CertificateTest, IpLiteralsAreCheckedAgainstIpNamesAndNotSentAsSni) {
  const auto by_address = make("address", {"127.0.0.1", "2001:db8::7"});
  EXPECT_EQ(attempt(by_address, "127.0.0.1").cause, CloseReason::Cause::None);
  EXPECT_EQ(listening->last_server_name, "");
  const Credentials trust = Credentials::client_trusting(by_address.certificate_file.string());
  EXPECT_EQ(attempt_with(trust, "2001:db8::7").cause, CloseReason::Cause::None);
  EXPECT_EQ(attempt_with(trust, "127.0.0.2").status, Status::CertificateNameMismatch);
  EXPECT_EQ(attempt_with(trust, "2001:db8::8").status, Status::CertificateNameMismatch);
}

TEST_F(CertificateTest, AnUnknownIssuerIsRefused) {
  listen();
  const CloseReason reason = attempt_with(Credentials::client(), "localhost");
  EXPECT_EQ(reason.cause, CloseReason::Cause::Transport);
  EXPECT_TRUE(reason.status == Status::UnknownCa || reason.status == Status::TlsError ||
              reason.status == Status::BadCertificate || reason.status == Status::UnknownCertificate ||
              reason.status == Status::HandshakeFailure)
      << reason.message;
}

TEST_F(CertificateTest, NothingIsCheckedOnlyOnRequest) {
  listen();
  EXPECT_EQ(attempt_with(Credentials::client_without_validation(), "whatever.example").cause, CloseReason::Cause::None);
}

TEST_F(CertificateTest, PinsReplaceIssuerAndName) {
  listen();
  Credentials pinned;
  pinned.pinned_sha256 = {certificate().sha256_fingerprint};
  EXPECT_EQ(attempt_with(pinned, "whatever.example").cause, CloseReason::Cause::None);
  pinned.pinned_sha256 = {make("unpinned", {"localhost"}).sha256_fingerprint};
  EXPECT_EQ(attempt_with(pinned, "localhost").status, Status::BadCertificate);
}

TEST_F(CertificateTest, ClientCertificates) {
  Credentials demanding = server_credentials();
  demanding.require_client_certificate = true;
  demanding.ca_file = demanding.certificate_file;
  listen(demanding);
  Credentials with = trusting();
  with.certificate_file = certificate().certificate_file.string();
  with.private_key_file = certificate().private_key_file.string();
  Client known = dial("localhost", open_configuration(client_settings, with));
  EXPECT_TRUE(known.events->wait_connected());
  const auto server = listening->wait_connection();
  EXPECT_TRUE(server->wait_connected());
  // Without one the client is connected before the server has judged, and hears of the refusal afterwards.
  Client unknown = dial();
  ASSERT_TRUE(unknown.events->wait_complete());
  EXPECT_EQ(unknown.events->complete->status, Status::RequiredCertificate) << unknown.events->complete->message;
}

TEST_F(CertificateTest, UnusableFilesAreNamed) {
  const auto open = [&](const Credentials& credentials) {
    auto opened = Configuration::open(registration, alpns(), {}, credentials);
    EXPECT_FALSE(opened);
    return opened ? Error() : opened.error();
  };
  const std::string certificate_file = certificate().certificate_file.string();
  const std::string key_file = certificate().private_key_file.string();
  const auto mentions = [](const Error& error, const std::string& text) {
    return error.status == Status::CertificateFileInvalid && error.message.find(text) != std::string::npos;
  };
  EXPECT_TRUE(mentions(open(Credentials::server("/nowhere/cert.pem", key_file)), "/nowhere/cert.pem"));
  EXPECT_TRUE(mentions(open(Credentials::server(certificate_file, "/nowhere/key.pem")), "/nowhere/key.pem"));
  EXPECT_TRUE(mentions(open(Credentials::server(key_file, key_file)), "not a PEM certificate"));
  EXPECT_TRUE(mentions(open(Credentials::server(certificate_file, certificate_file)), "not a PEM private key"));
  const auto other = make("stranger", {"localhost"});
  EXPECT_TRUE(
      mentions(open(Credentials::server(certificate_file, other.private_key_file.string())), "is not the key of"));
  const std::string empty = scratch("empty.pem").string();
  std::ofstream(empty).flush();
  EXPECT_TRUE(mentions(open(Credentials::client_trusting(empty)), "empty.pem"));
  EXPECT_TRUE(mentions(open(Credentials::client_trusting("/nowhere/ca.pem")), "/nowhere/ca.pem"));
  EXPECT_EQ(open(Credentials::server(certificate_file, "")).status, Status::InvalidParameter);
  EXPECT_EQ(open(Credentials::server("", "")).status, Status::InvalidParameter);
}

TEST_F(CertificateTest, WrongAlpnListsAndSettingsAreNamed) {
  const auto status = [&](const std::vector<std::string>& names, const Settings& settings = {}) {
    auto opened = Configuration::open(registration, names, settings, Credentials::client());
    return opened ? Status::Success : opened.error().status;
  };
  EXPECT_EQ(status({}), Status::InvalidParameter);
  EXPECT_EQ(status({""}), Status::InvalidParameter);
  EXPECT_EQ(status({std::string(256, 'a')}), Status::InvalidParameter);
  EXPECT_EQ(status({std::string(255, 'a')}), Status::Success);
  Settings odd;
  odd.stream_recv_window = 1000;  // not a power of two
  EXPECT_EQ(status({"a"}, odd), Status::InvalidParameter);
}

TEST_F(CertificateTest, DevelopmentFilesAreForTheOwnerOnly) {
  const auto made = make("modes", {"localhost"});
  const auto mode = std::filesystem::status(made.private_key_file).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // 32 bytes in hexadecimal with 31 colons.
  EXPECT_EQ(made.sha256_fingerprint.size(), 95u);
  EXPECT_EQ(made.sha256_fingerprint[2], ':');
  EXPECT_EQ(DevelopmentCertificate::create(scratch("bad"), {{"a,DNS:b"}, true, 13}).error().status,
            Status::InvalidParameter);
}

}  // namespace
}  // namespace msquic_py::quic::testing
