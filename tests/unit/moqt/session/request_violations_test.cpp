#include <gtest/gtest.h>

#include "harness/raw_peer.h"

// What a peer may not do on the control stream after SETUP. Bytes are written from the text of the draft.
namespace msquic_py::testing {
namespace {

using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::session::SessionConfig;

std::optional<SessionErrorCode> server_after(std::string_view bytes, SessionConfig config = {}) {
  auto peer = RawPeer::established(Perspective::kServer, std::move(config));
  peer.control(bytes);
  return peer.close_code();
}

// [d15 §9-1, §9-2]
TEST(Framing, UnknownTypeAndWrongLength) {
  EXPECT_EQ(server_after("3f 0000"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(server_after("15 0003 40c8 00"), SessionErrorCode::kProtocolViolation) << "a byte too many";
  EXPECT_EQ(server_after("15 0001 40"), SessionErrorCode::kProtocolViolation) << "a byte too few";
}

// [d15 §9.1-1, §9.5-2]
TEST(RequestId, ParitySequenceAndLimit) {
  EXPECT_EQ(server_after("03 0007 01 01 0161 01 74 00"), SessionErrorCode::kInvalidRequestId) << "a server's ID";
  EXPECT_EQ(server_after("03 0007 02 01 0161 01 74 00"), SessionErrorCode::kInvalidRequestId) << "not the next one";
  EXPECT_EQ(server_after("03 0007 00 01 0161 01 74 00 | 03 0007 00 01 0161 01 75 00"),
            SessionErrorCode::kInvalidRequestId);
  SessionConfig one;
  one.limits.max_open_requests = 1;
  EXPECT_EQ(server_after("03 0007 00 01 0161 01 74 00", one), std::nullopt);
  EXPECT_EQ(server_after("03 0007 00 01 0161 01 74 00 | 03 0007 02 01 0161 01 75 00", one),
            SessionErrorCode::kTooManyRequests);
}

// [d15 §9.5-1]
TEST(RequestId, MaxRequestIdMustRise) {
  EXPECT_EQ(server_after("15 0002 4065"), std::nullopt);
  EXPECT_EQ(server_after("15 0002 4064"), SessionErrorCode::kProtocolViolation) << "equal to that of SETUP";
  EXPECT_EQ(server_after("15 0002 4066 | 15 0002 4065"), SessionErrorCode::kProtocolViolation);
}

// [d15 §5.1-3, §9.7-1]
TEST(Answers, OnlyOneOfTheRightKindToALiveRequest) {
  const auto after_subscribe = [](std::string_view bytes) {
    auto peer = RawPeer::established(Perspective::kServer);
    EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
    peer.control(bytes);
    return peer.close_code();
  };
  EXPECT_EQ(after_subscribe("04 0003 01 02 00"), std::nullopt);
  EXPECT_EQ(after_subscribe("04 0003 01 02 00 | 04 0003 01 02 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_subscribe("04 0003 01 02 00 | 05 0003 01 10 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after_subscribe("07 0002 01 00"), SessionErrorCode::kProtocolViolation) << "REQUEST_OK to SUBSCRIBE";
  EXPECT_EQ(after_subscribe("1e 0002 01 00"), SessionErrorCode::kProtocolViolation) << "PUBLISH_OK to SUBSCRIBE";
  EXPECT_EQ(after_subscribe("07 0002 09 00"), SessionErrorCode::kProtocolViolation) << "to no request";
  EXPECT_EQ(after_subscribe("18 0005 01 00 05 08 00"), SessionErrorCode::kProtocolViolation) << "FETCH_OK";
}

// [d15 §6.2-4]
TEST(Answers, SecondAnswerToANamespaceViolates) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.publish_namespace(moqt::TrackNamespace{"a"}).ok());
  peer.control("07 0002 01 00");
  EXPECT_FALSE(peer.closed);
  peer.control("07 0002 01 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §5.1.1-4]
TEST(Answers, LateOneToACancelledRequestIsIgnored) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto request = peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"});
  ASSERT_TRUE(request.ok());
  ASSERT_TRUE(peer.session.cancel(*request).ok());
  peer.control("04 0003 01 02 00");
  EXPECT_FALSE(peer.closed);
  peer.control("04 0003 01 02 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "but only once";
}

// [d15 §9.9-2]
TEST(Subscriptions, SecondSubscribeForATrackViolates) {
  EXPECT_EQ(server_after("03 0007 00 01 0161 01 74 00 | 03 0007 02 01 0161 01 74 00"),
            SessionErrorCode::kProtocolViolation);
}

// [d15 §9.11-7]
TEST(Subscriptions, UpdateOfNoSubscriptionViolates) {
  EXPECT_EQ(server_after("02 0003 00 04 00"), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.11-2]
TEST(Subscriptions, UpdateWithEarlierStartViolates) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 000c 00 01 0161 01 74 01 21 03 03 0a 00");  // AbsoluteStart {10, 0}
  const auto subscribe = peer.all<moqt::session::SubscribeReceived>();
  ASSERT_EQ(subscribe.size(), 1u);
  ASSERT_TRUE(peer.session.accept(subscribe[0].request).ok());
  peer.control("02 0008 02 00 01 21 03 03 0a 01");  // {10, 1} is later
  EXPECT_FALSE(peer.closed);
  peer.control("02 0008 04 00 01 21 03 03 09 00");  // {9, 0}
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.10-2, §9.13-2]
TEST(Subscriptions, AliasOfAnotherTrackCloses) {
  const auto after_two_subscribes = [](std::string_view bytes) {
    auto peer = RawPeer::established(Perspective::kServer);
    EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
    EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "u"}).ok());
    peer.control("04 0003 01 02 00");
    peer.control(bytes);
    return peer.close_code();
  };
  EXPECT_EQ(after_two_subscribes("04 0003 03 03 00"), std::nullopt);
  EXPECT_EQ(after_two_subscribes("04 0003 03 02 00"), SessionErrorCode::kDuplicateTrackAlias);
  EXPECT_EQ(after_two_subscribes("1d 0008 00 01 0161 01 76 02 00"), SessionErrorCode::kDuplicateTrackAlias)
      << "PUBLISH";
  EXPECT_EQ(after_two_subscribes("1d 0008 00 01 0161 01 74 02 00"), std::nullopt) << "PUBLISH of the same track";
}

TEST(Subscriptions, PublishDoneOfARequestThatNeverWasViolates) {
  EXPECT_EQ(server_after("0b 0004 09 02 00 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(server_after("0a 0001 00"), SessionErrorCode::kProtocolViolation) << "UNSUBSCRIBE";
}

// [d15 §9.16-1]
TEST(FetchRequests, UnknownTypeViolates) {
  EXPECT_EQ(server_after("16 0003 00 04 00"), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.23-2]
TEST(Namespaces, OverlappingPrefixIsRefused) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("11 0005 00 01 0161 00");
  peer.sent_control.clear();
  peer.control("11 0007 02 02 0161 0162 00");
  ASSERT_GE(peer.sent_control.size(), 5u);
  EXPECT_EQ(peer.sent_control[0], 0x05);
  EXPECT_EQ(peer.sent_control[3], 0x02);
  EXPECT_EQ(peer.sent_control[4], 0x30) << "PREFIX_OVERLAP";
  EXPECT_FALSE(peer.closed);
  peer.control("11 0005 04 01 0162 00");
  EXPECT_EQ(peer.all<moqt::session::NamespaceSubscribed>().size(), 2u) << "another prefix is welcome";
}

// [d15 §12.1-2]
TEST(Namespaces, TooManyAreRefused) {
  SessionConfig config;
  config.limits.max_published_namespaces = 1;
  auto peer = RawPeer::established(Perspective::kServer, config);
  peer.control("06 0005 00 01 0161 00 | 06 0005 02 01 0162 00");
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<moqt::session::NamespacePublished>().size(), 1u);
  ASSERT_FALSE(peer.sent_control.empty());
  EXPECT_EQ(peer.sent_control[0], 0x05);
}

// [d15 §5.1.2-2, §9.2.1.4-1, §9.2.1.5-1, §9.2.1.6-1, §9.2.1.7-1, §9.2.1.10-1, §9.2.1.11-1]
TEST(Parameters, ForbiddenValuesViolate) {
  EXPECT_EQ(server_after("03 000a 00 01 0161 01 74 01 21 01 05"), SessionErrorCode::kProtocolViolation)
      << "filter type 5";
  EXPECT_EQ(server_after("03 000b 00 01 0161 01 74 01 21 02 02 00"), SessionErrorCode::kProtocolViolation)
      << "filter too long";
  EXPECT_EQ(server_after("03 000a 00 01 0161 01 74 01 20 4100"), SessionErrorCode::kProtocolViolation)
      << "priority 256";
  EXPECT_EQ(server_after("03 0009 00 01 0161 01 74 01 22 03"), SessionErrorCode::kProtocolViolation) << "group order 3";
  EXPECT_EQ(server_after("03 0009 00 01 0161 01 74 01 10 02"), SessionErrorCode::kProtocolViolation) << "forward 2";
  EXPECT_EQ(server_after("1d 000b 00 01 0161 01 74 07 01 0e 4100"), SessionErrorCode::kProtocolViolation)
      << "publisher priority 256";
  EXPECT_EQ(server_after("1d 000a 00 01 0161 01 74 07 01 30 02"), SessionErrorCode::kProtocolViolation)
      << "dynamic groups 2";
}

// [d15 §9.2.1-1]
TEST(Parameters, KnownOneInAMessageItIsNotDefinedForIsIgnored) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0009 00 01 0161 01 74 01 08 05");  // EXPIRES in SUBSCRIBE
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.all<moqt::session::SubscribeReceived>().size(), 1u);
}

// [d15 §9.9-4]
TEST(Parameters, ReversedRangeIsRefused) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 000d 00 01 0161 01 74 01 21 04 04 0a 00 09");
  EXPECT_FALSE(peer.closed);
  ASSERT_GE(peer.sent_control.size(), 5u);
  EXPECT_EQ(peer.sent_control[4], 0x11) << "INVALID_RANGE";
}

// [d15 §9.2.1.1-10, §9.2.1.1-6, §9.3.1.5-1]
TEST(Tokens, AliasesNeedACache) {
  SessionConfig none;
  none.limits.max_auth_token_cache_bytes = 0;
  EXPECT_EQ(server_after("03 000a 00 01 0161 01 74 01 03 01 09", none), SessionErrorCode::kKeyValueFormattingError);
  EXPECT_EQ(server_after("03 000e 00 01 0161 01 74 01 03 05 01 01 00 6162", none),
            SessionErrorCode::kAuthTokenCacheOverflow);
  EXPECT_EQ(server_after("03 000b 00 01 0161 01 74 01 03 02 02 01", none), SessionErrorCode::kUnknownAuthTokenAlias);
  EXPECT_EQ(server_after("03 000d 00 01 0161 01 74 01 03 04 03 00 6162", none), std::nullopt)
      << "USE_VALUE is the application's";

  RawPeer registering(Perspective::kServer, none);
  registering.control("20 000b 02 02 4064 03 05 01 01 00 6162");
  EXPECT_FALSE(registering.closed) << "REGISTER counts as USE_VALUE in CLIENT_SETUP";
}

// [d15 §6.1-2]
TEST(Answers, SecondAnswerToANamespaceSubscriptionViolates) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe_namespace(moqt::TrackNamespace{"a"}).ok());
  peer.control("07 0002 01 00");
  EXPECT_FALSE(peer.closed);
  peer.control("07 0002 01 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

}  // namespace
}  // namespace msquic_py::testing
