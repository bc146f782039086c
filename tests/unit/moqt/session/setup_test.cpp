#include <gtest/gtest.h>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"

// SETUP and the life of a session: sections 3.3, 3.4, 9.3, 9.4 and the named tolerances.
namespace msquic_py::testing {
namespace {

using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::session::SessionConfig;
using moqt::session::SessionState;

// [d15 §9.3.1.1-3, §9.3.1.2-3]
TEST(Setup, ClientSendsPathMaxRequestIdAndAuthority) {
  SessionConfig config;
  config.path = "/moq";
  config.authority = "localhost:4443";
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  config.limits.max_auth_token_cache_bytes = 0;
  RawPeer peer(Perspective::kClient, config);
  // PATH, AUTHORITY, MAX_REQUEST_ID = 100; the order of parameters is free [d15 §1.4.2].
  EXPECT_EQ(peer.sent_control, hex("20 001a 03 | 01 04 2f6d6f71 | 05 0e 6c6f63616c686f73743a34343433 | 02 4064"));
}

// [d15 §9.3.1.1-1, §9.3.1.2-1]
TEST(Setup, ServerAnswersAndReportsThePeer) {
  SessionConfig config;
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  config.limits.max_auth_token_cache_bytes = 0;
  RawPeer peer(Perspective::kServer, config);
  EXPECT_TRUE(peer.sent_control.empty()) << "the server waits for the client";
  peer.control("20 001a 03 01 04 2f6d6f71 02 4064 05 0e 6c6f63616c686f73743a34343433");
  EXPECT_EQ(peer.sent_control, hex("21 0004 01 02 4064"));
  const auto established = peer.all<moqt::session::Established>();
  ASSERT_EQ(established.size(), 1u);
  EXPECT_EQ(established[0].peer.path(), "/moq");
  EXPECT_EQ(established[0].peer.authority(), "localhost:4443");
}

// [d15 §9.2-3, §9.3-1]
TEST(Setup, UnknownParametersAreIgnoredEvenTwice) {
  RawPeer peer(Perspective::kServer);
  peer.control("20 000e 03 02 4064 80040b5a 01 80040b5a 02");
  EXPECT_EQ(peer.session.state(), SessionState::kEstablished);
}

// [d15 §9.2-2]
TEST(Setup, DuplicateKnownParameterCloses) {
  RawPeer peer(Perspective::kServer);
  peer.control("20 0007 02 02 4064 02 4064");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.3-2]
TEST(Setup, FirstMessageMustBeSetup) {
  RawPeer peer(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.3-2]
TEST(Setup, ServerSetupFromAClientCloses) {
  RawPeer peer(Perspective::kServer);
  peer.control("21 0004 01 02 4064");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.3-2]
TEST(Setup, SecondSetupCloses) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("20 0004 01 02 4064");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.3.1.1-2, §9.3.1.1-4, §9.3.1.2-2, §9.3.1.2-4]
TEST(Setup, PathAndAuthorityRules) {
  const auto code = [](Perspective perspective, std::string_view bytes, SessionConfig config = {}) {
    RawPeer peer(perspective, std::move(config));
    peer.control(bytes);
    return peer.close_code();
  };
  EXPECT_EQ(code(Perspective::kClient, "21 0003 01 05 00"), SessionErrorCode::kInvalidAuthority);
  EXPECT_EQ(code(Perspective::kClient, "21 0003 01 01 00"), SessionErrorCode::kInvalidPath);
  SessionConfig web_transport;
  web_transport.transport = moqt::SessionTransport::kWebTransport;
  EXPECT_EQ(code(Perspective::kServer, "20 0007 01 01 04 2f6d6f71", web_transport), SessionErrorCode::kInvalidPath);
  EXPECT_EQ(code(Perspective::kServer, "20 0004 01 05 01 61", web_transport), SessionErrorCode::kInvalidAuthority);
  EXPECT_EQ(code(Perspective::kServer, "20 0004 01 01 01 78"), SessionErrorCode::kMalformedPath);
  EXPECT_EQ(code(Perspective::kServer, "20 0006 01 05 03 612062"), SessionErrorCode::kMalformedAuthority);
}

// [d15 §9.3-3]
TEST(Setup, NoSetupInTimeCloses) {
  RawPeer peer(Perspective::kServer);
  peer.advance(std::chrono::milliseconds(9'999));
  EXPECT_FALSE(peer.closed);
  peer.advance(std::chrono::milliseconds(2));
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kControlMessageTimeout);
}

TEST(Setup, LeadingStreamTypeIsToleratedOnceByAServer) {
  RawPeer tolerant(Perspective::kServer);
  tolerant.control("00 | 20 0004 01 02 4064");
  EXPECT_EQ(tolerant.session.state(), SessionState::kEstablished);

  RawPeer twice(Perspective::kServer);
  twice.control("00 00 | 20 0004 01 02 4064");
  EXPECT_EQ(twice.close_code(), SessionErrorCode::kProtocolViolation);

  SessionConfig strict;
  strict.tolerances.leading_stream_type = false;
  RawPeer refused(Perspective::kServer, strict);
  refused.control("00 | 20 0004 01 02 4064");
  EXPECT_EQ(refused.close_code(), SessionErrorCode::kProtocolViolation);

  RawPeer client(Perspective::kClient);
  client.control("00 | 21 0004 01 02 4064");
  EXPECT_EQ(client.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.23-1]
TEST(Setup, EmptyNamespacePrefixIsToleratedOnlyWhenAsked) {
  auto strict = RawPeer::established(Perspective::kServer);
  strict.control("11 0003 00 00 00");
  EXPECT_EQ(strict.close_code(), SessionErrorCode::kProtocolViolation);

  SessionConfig config;
  config.tolerances.empty_namespace_prefix = true;
  auto tolerant = RawPeer::established(Perspective::kServer, config);
  tolerant.control("11 0003 00 00 00 | 06 0003 02 00 00 | 03 0007 04 01 0161 01 74 00");
  EXPECT_FALSE(tolerant.closed);
  ASSERT_EQ(tolerant.all<moqt::session::NamespaceSubscribed>().size(), 1u);
  EXPECT_EQ(tolerant.all<moqt::session::NamespaceSubscribed>()[0].prefix.field_count(), 0u);
  EXPECT_EQ(tolerant.all<moqt::session::NamespacePublished>().size(), 1u);
  EXPECT_EQ(tolerant.all<moqt::session::SubscribeReceived>().size(), 1u) << "what follows is read from the right place";
}

// [d15 §3.3-1, §3.3-2]
TEST(Closing, ControlStreamEndAndSecondBidiStreamViolate) {
  auto ended = RawPeer::established(Perspective::kServer);
  ended.session.on_control_closed(ended.now);
  ended.drain();
  EXPECT_FALSE(ended.closed) << "what was on its way before still comes";
  ended.advance(ended.session.config().timeouts.control_closed);
  EXPECT_EQ(ended.close_code(), SessionErrorCode::kProtocolViolation);

  auto second = RawPeer::established(Perspective::kServer);
  second.session.on_bidi_stream_opened(second.now);
  second.drain();
  EXPECT_EQ(second.close_code(), SessionErrorCode::kProtocolViolation);
}

TEST(Closing, NothingIsEmittedAfterwards) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.session.close(SessionErrorCode::kNoError, "bye");
  peer.drain();
  const auto events = peer.events.size();
  peer.control("03 0007 00 01 0161 01 74 00");  // RawPeer fails the test when an action follows
  peer.stream(2, "14 02 00 00 80");
  peer.advance(std::chrono::hours(1));
  EXPECT_EQ(peer.events.size(), events);
  EXPECT_FALSE(peer.session.next_deadline());
  EXPECT_EQ(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).error(), moqt::session::SessionError::kClosed);
}

// [d15 §3.4-1]
TEST(Closing, AlwaysHasAReasonThatTheTransportTakes) {
  auto silent = RawPeer::established(Perspective::kServer);
  silent.session.close(SessionErrorCode::kUnauthorized);
  silent.drain();
  EXPECT_EQ(silent.closed->reason, "UNAUTHORIZED");

  auto wordy = RawPeer::established(Perspective::kServer);
  wordy.session.close(SessionErrorCode::kNoError, std::string(511, 'x') + "\u00e9");  // two bytes, not to be cut apart
  wordy.drain();
  EXPECT_EQ(wordy.closed->reason, std::string(511, 'x'));
}

TEST(Closing, BothSidesReportIt) {
  SessionPair pair;
  pair.establish();
  pair.client.session.close(SessionErrorCode::kNoError, "done");
  pair.run();
  EXPECT_FALSE(pair.client.only<moqt::session::Closed>().by_peer);
  EXPECT_TRUE(pair.server.only<moqt::session::Closed>().by_peer);
  EXPECT_EQ(pair.server.only<moqt::session::Closed>().reason, "done");
}

TEST(Closing, AConnectionThatThisSideGaveUpWasNotClosedByThePeer) {
  auto peer = RawPeer::established(Perspective::kClient);
  peer.session.on_transport_closed(peer.now, 0x1, "nothing came any more", /*by_peer=*/false);
  peer.drain();
  EXPECT_FALSE(peer.all<moqt::session::Closed>().at(0).by_peer);
}

// [d15 §3.5-2, §9.4-1]
TEST(GoawayMessage, ReachesTheClientAndStopsNewRequests) {
  SessionPair pair;
  pair.establish();
  ASSERT_TRUE(pair.server.session.goaway("moqt://other/path").ok());
  pair.run();
  EXPECT_EQ(pair.client.only<moqt::session::GoawayReceived>().new_session_uri, "moqt://other/path");
  EXPECT_EQ(pair.client.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).error(),
            moqt::session::SessionError::kGoingAway);
  EXPECT_EQ(pair.server.session.goaway().error(), moqt::session::SessionError::kWrongState);
  pair.advance(std::chrono::seconds(31));
  ASSERT_TRUE(pair.server.closed);
  EXPECT_EQ(pair.server.closed->code, static_cast<std::uint64_t>(SessionErrorCode::kGoawayTimeout));
}

// [d15 §9.4-2, §9.4-5]
TEST(GoawayMessage, SecondOneAndUriFromAClientViolate) {
  auto twice = RawPeer::established(Perspective::kServer);
  twice.control("10 0001 00");
  EXPECT_FALSE(twice.closed);
  twice.control("10 0001 00");
  EXPECT_EQ(twice.close_code(), SessionErrorCode::kProtocolViolation);

  auto uri = RawPeer::established(Perspective::kServer);
  uri.control("10 0002 01 78");
  EXPECT_EQ(uri.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.3.1.1-1, §9.3.1.2-1]
TEST(Setup, NeitherPathNorAuthorityGoOutOverWebTransportOrFromAServer) {
  SessionConfig config;
  config.path = "/moq";
  config.authority = "localhost:4443";
  config.implementation.clear();
  config.limits.max_open_requests = 50;
  config.limits.max_auth_token_cache_bytes = 0;
  RawPeer server(Perspective::kServer, config);
  server.control("20 0004 01 02 4064");
  EXPECT_EQ(server.sent_control, hex("21 0004 01 02 4064"));
  config.transport = moqt::SessionTransport::kWebTransport;
  RawPeer client(Perspective::kClient, config);
  EXPECT_EQ(client.sent_control, hex("20 0004 01 02 4064"));
}

}  // namespace
}  // namespace msquic_py::testing
