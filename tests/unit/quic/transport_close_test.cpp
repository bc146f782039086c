#include "quic/transport_close.h"

#include "quic/wire_code.h"
#include "quic_fixture.h"

namespace msquic_py::quic::testing {
namespace {

#if defined(__linux__)
// MsQuic's numbers on Linux.
constexpr std::int64_t kInternalError = 5;
constexpr std::int64_t kTlsAlert = 200000256;

TEST(TransportClose, TheCodeTellsWhatTheStatusHides) {
  struct Row {
    std::int64_t raw;
    std::uint64_t code;
    Status status;
    bool on_wire;
  };
  const Row rows[] = {
      {0, 0x0, Status::Aborted, true},                     // a peer that gave no reason
      {111, 0x2, Status::ConnectionRefused, true},         //
      {71, 0xa, Status::ProtocolError, true},              // PROTOCOL_VIOLATION
      {kInternalError, 0x1, Status::InternalError, true},  // INTERNAL_ERROR
      {kInternalError, 0x3, Status::ProtocolError, true},  // FLOW_CONTROL_ERROR
      {kInternalError, 0x9, Status::ProtocolError, true},  // CONNECTION_ID_LIMIT_ERROR
      {kInternalError, 0xc, Status::UserCanceled, true},   // APPLICATION_ERROR
      {kInternalError, 0xf, Status::ProtocolError, true},  // AEAD_LIMIT_REACHED
      {kInternalError, 0x10, Status::Unreachable, true},   // NO_VIABLE_PATH
      {kInternalError, 0x4242, Status::InternalError, true},
      {130, 0xb, Status::UserCanceled, true},
      {93, 0x11, Status::VersionNegotiationError, true},
      {92, 0x178, Status::AlpnNegotiationFailure, true},
      {kTlsAlert + 48, 0x130, Status::UnknownCa, true},
      {62, 0x1, Status::ConnectionIdle, false},      // timers and the network are never on the wire
      {110, 0x1, Status::ConnectionTimeout, false},  //
      {113, 0x1, Status::Unreachable, false},
      {99, 0x1, Status::AddressNotAvailable, false},
  };
  for (const Row& row : rows) {
    const CloseReason reason = transport_close(row.raw, row.code, false);
    EXPECT_EQ(reason.cause, CloseReason::Cause::Transport);
    EXPECT_EQ(reason.status, row.status) << row.raw << " " << row.code << ": " << status_name(reason.status);
    EXPECT_EQ(reason.on_wire, row.on_wire) << row.raw << " " << row.code;
    EXPECT_EQ(reason.code, row.on_wire ? row.code : 0);
    EXPECT_EQ(reason.raw_status, row.raw);
  }
}

TEST(TransportClose, MessagesNameStatusAndWireCode) {
  EXPECT_EQ(transport_close(kInternalError, 0x3, true).message,
            "the peer ended the connection: a QUIC protocol error [ProtocolError, status 5, FLOW_CONTROL_ERROR (0x3)]");
  // MsQuic's wrong number for APPLICATION_ERROR, unless INVALID_TOKEN may be meant.
  EXPECT_EQ(transport_close(130, 0xb, true).message,
            "the peer ended the connection: the peer gave up during the handshake "
            "[UserCanceled, status 130, APPLICATION_ERROR (0xb, as MsQuic numbers it)]");
  EXPECT_EQ(transport_close(130, 0xb, true, true).message,
            "the peer ended the connection: the peer gave up during the handshake "
            "[UserCanceled, status 130, INVALID_TOKEN or, from MsQuic, APPLICATION_ERROR (0xb)]");
  EXPECT_EQ(transport_close(kInternalError, 0xc, true).message,
            "the peer ended the connection: the peer gave up during the handshake "
            "[UserCanceled, status 5, APPLICATION_ERROR (0xc)]");
  EXPECT_EQ(transport_close(0, 0, true).message,
            "the peer ended the connection: it gave no reason [Aborted, NO_ERROR (0x0)]");
  EXPECT_EQ(transport_close(13, 1, false).message, "Permission denied [EACCES, status 13]");
  EXPECT_EQ(transport_close(105, 1, false).message, "No buffer space available [ENOBUFS, status 105]");
  EXPECT_EQ(transport_close(62, 1, false).message,
            "the connection was idle for longer than the idle timeout [ConnectionIdle, status 62]");
  EXPECT_EQ(transport_close(kTlsAlert + 70, 0x146, true).message,
            "the peer ended the connection: a TLS alert ended the handshake "
            "[TlsAlert, status 200000326, CRYPTO_ERROR protocol_version (0x146)]");
}

using WhoBegan = QuicTest;

TEST_F(WhoBegan, TheServerRefuses) {
  listen();
  listening->refuse = true;
  Client client = dial();
  ASSERT_TRUE(client.events->wait_complete());
  const CloseReason reason = *client.events->complete;
  EXPECT_EQ(reason.message,
            "the peer ended the connection: the server refused the connection "
            "[ConnectionRefused, status 111, CONNECTION_REFUSED (0x2)]");
  EXPECT_TRUE(reason.remote);
}

TEST_F(WhoBegan, TheClientRefusesTheCertificate) {
  listen();
  Client client = dial("localhost", open_configuration(client_settings, Credentials::client()));
  ASSERT_TRUE(client.events->wait_complete());
  EXPECT_FALSE(client.events->complete->remote);
  const auto server = listening->wait_connection(0);
  ASSERT_TRUE(server && server->wait_complete());
  const CloseReason reason = *server->complete;
  EXPECT_EQ(reason.cause, CloseReason::Cause::Transport);
  EXPECT_TRUE(reason.remote) << reason.message;
  EXPECT_EQ(reason.code, client.events->complete->code) << describe_wire_code(reason.code);
}

TEST_F(WhoBegan, NobodyWhenTheConnectionWasIdle) {
  client_settings.idle_timeout_ms = 200;
  listen();
  Client client;
  const auto server = connect(client);
  ASSERT_TRUE(server && client.events->wait_complete() && server->wait_complete());
  for (const CloseReason& reason : {*client.events->complete, *server->complete}) {
    EXPECT_EQ(reason.status, Status::ConnectionIdle);
    EXPECT_FALSE(reason.remote);
    EXPECT_FALSE(reason.on_wire);
  }
}
#endif

}  // namespace
}  // namespace msquic_py::quic::testing
