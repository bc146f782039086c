// Namespaces in draft-18: SUBSCRIBE_NAMESPACE, whose stream brings NAMESPACE, and SUBSCRIBE_TRACKS; GOAWAY on either
// kind of stream. Bytes are written from the text of draft-18, sections 6 and 10.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

// ---- subscribing ----

TEST(NamespaceStreams, AskingForBothMakesTwoRequests) {
  auto peer = RequestPeer::established(Perspective::kClient);
  MessageParameters parameters;
  parameters.set_forward(false);
  const auto asked = peer.session.subscribe_namespace(TrackNamespace{"a"}, parameters);
  peer.drain();
  ASSERT_EQ(peer.opened.size(), 2u);
  EXPECT_EQ(peer.take(peer.opened[0]), hex("50 0005 00 01 0161 00"));
  EXPECT_EQ(peer.take(peer.opened[1]), hex("51 0007 02 01 0161 01 10 00"));  // FORWARD is for tracks
  peer.say(peer.opened[1], "05 0005 03 00 02 6e6f", true);
  peer.say(peer.opened[0], "07 0001 00");
  EXPECT_EQ(peer.only<RequestAccepted>().request, *asked);
  EXPECT_TRUE(peer.all<RequestRejected>().empty()) << "who has no tracks to offer may have namespaces";
  ASSERT_TRUE(peer.session.cancel(*asked).ok());
  peer.drain();
  EXPECT_EQ(peer.requests[peer.opened[0]].reset, 0x1u);
}

TEST(NamespaceStreams, CancellingEndsBothRequests) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto asked = peer.session.subscribe_namespace(TrackNamespace{"a"});
  peer.drain();
  for (const auto& stream : peer.opened) peer.say(stream, "07 0001 00");
  ASSERT_TRUE(peer.session.cancel(*asked).ok());
  peer.drain();
  for (const auto& stream : peer.opened) EXPECT_EQ(peer.requests[stream].reset, 0x1u);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// Section 6.1: a prefix without fields asks for everything.
TEST(NamespaceStreams, APrefixMayBeEmpty) {
  auto peer = RequestPeer::established(Perspective::kClient);
  ASSERT_TRUE(peer.session.subscribe_namespace({}, {}, {}, NamespaceInterest::kNamespace).ok());
  peer.drain();
  EXPECT_EQ(peer.take(peer.opened[0]), hex("50 0003 00 00 00"));
}

TEST(NamespaceStreams, NamespacesComeAndGo) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto asked = peer.session.subscribe_namespace(TrackNamespace{"a"}, {}, {}, NamespaceInterest::kNamespace);
  peer.drain();
  const auto stream = peer.opened[0];
  peer.say(stream, "07 0001 00 | 08 0003 01 0162 | 08 0001 00");
  const auto found = peer.all<NamespaceFound>();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].subscription, *asked);
  EXPECT_EQ(found[0].track_namespace, (TrackNamespace{"a", "b"}));
  EXPECT_EQ(found[1].track_namespace, TrackNamespace{"a"});
  peer.say(stream, "0e 0003 01 0162");
  EXPECT_EQ(peer.only<NamespaceLost>().track_namespace, (TrackNamespace{"a", "b"}));
  peer.finish(stream);
  EXPECT_EQ(peer.only<NamespaceSubscriptionEnded>().subscription, *asked);
  EXPECT_TRUE(peer.requests[stream].fin);
  EXPECT_FALSE(peer.closed);
}

// Section 10.18: the first message in answer is REQUEST_OK or REQUEST_ERROR, and NAMESPACE_DONE comes behind NAMESPACE.
TEST(NamespaceStreams, WhatComesOutOfPlaceViolates) {
  for (const char* wrong : {"08 0003 01 0162", "07 0001 00 | 0e 0003 01 0162", "07 0001 00 | 0f 0005 01 0162 01 74"}) {
    auto peer = RequestPeer::established(Perspective::kClient);
    (void)peer.session.subscribe_namespace(TrackNamespace{"a"}, {}, {}, NamespaceInterest::kNamespace);
    peer.drain();
    peer.say(peer.opened[0], wrong);
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << wrong;
  }
}

TEST(NamespaceStreams, AnnouncedAreAnsweredOnTheStream) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("50 0005 00 01 0161 00");
  const auto asked = peer.only<NamespaceSubscribed>();
  EXPECT_EQ(asked.interest, NamespaceInterest::kNamespace);
  EXPECT_EQ(peer.session.announce(asked.request, TrackNamespace{"a", "b"}).error(), SessionError::kWrongState);
  ASSERT_TRUE(peer.session.accept(asked.request).ok());
  EXPECT_EQ(peer.session.announce(asked.request, TrackNamespace{"b"}).error(), SessionError::kInvalidName);
  const auto announced = peer.session.announce(asked.request, TrackNamespace{"a", "b"});
  ASSERT_TRUE(announced.ok());
  EXPECT_EQ(peer.session.announce(asked.request, TrackNamespace{"a", "b"}).error(), SessionError::kDuplicate);
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0001 00 | 08 0003 01 0162"));
  ASSERT_TRUE(peer.session.cancel(*announced).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("0e 0003 01 0162"));
  (void)peer.session.announce(asked.request, TrackNamespace{"a"});
  peer.cancel(stream);
  EXPECT_EQ(peer.only<NamespaceUnsubscribed>().request, asked.request);
  EXPECT_EQ(peer.session.open_requests(), 0u) << "what was announced there is over as well";
}

// Section 10.19: the two kinds have prefixes of their own.
TEST(NamespaceStreams, OverlapsAreRefusedWithinOneKind) {
  auto peer = RequestPeer::established(Perspective::kServer);
  (void)peer.open("50 0005 00 01 0161 00");
  (void)peer.open("51 0005 02 01 0161 00");
  EXPECT_EQ(peer.all<NamespaceSubscribed>().size(), 2u);
  const auto below = peer.open("51 0007 04 02 0161 0162 00");
  EXPECT_EQ(peer.requests[below].bytes.at(3), 0x30);  // PREFIX_OVERLAP
  EXPECT_TRUE(peer.requests[below].fin);
}

TEST(NamespaceStreams, APublicationEndsWithItsStream) {
  for (const int how : {0, 1, 2}) {
    auto peer = RequestPeer::established(Perspective::kServer);
    const auto stream = peer.open("06 0005 00 01 0161 00");
    const auto published = peer.only<NamespacePublished>().request;
    ASSERT_TRUE(peer.session.accept(published).ok());
    peer.drain();
    EXPECT_EQ(peer.take(stream), hex("07 0001 00"));
    if (how == 0) peer.cancel(stream);
    if (how == 1) peer.finish(stream);
    if (how == 2) peer.reset(stream);
    EXPECT_EQ(peer.only<NamespaceDone>().request, published);
    EXPECT_EQ(peer.session.open_requests(), 0u);
  }
}

// A publisher without updates to send may finish at once, which takes nothing back.
TEST(NamespaceStreams, APublicationMayBeFinishedWithItsRequest) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("06 0005 00 01 0161 00", true);
  ASSERT_TRUE(peer.session.accept(peer.only<NamespacePublished>().request).ok());
  peer.drain();
  EXPECT_TRUE(peer.all<NamespaceDone>().empty());
  peer.stop(stream);
  EXPECT_EQ(peer.all<NamespaceDone>().size(), 1u);
}

TEST(NamespaceStreams, AcceptanceIsTakenBackByResettingTheStream) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("06 0005 00 01 0161 00");
  const auto published = peer.only<NamespacePublished>().request;
  ASSERT_TRUE(peer.session.accept(published).ok());
  ASSERT_TRUE(peer.session.cancel_namespace(published, RequestErrorCode::kExpiredAuthToken).ok());
  peer.drain();
  EXPECT_EQ(peer.requests[stream].reset, 0x7u);  // EXPIRED_AUTH_TOKEN
  EXPECT_EQ(peer.requests[stream].stopped, 0x7u);

  auto publisher = RequestPeer::established(Perspective::kClient);
  (void)publisher.session.publish_namespace(TrackNamespace{"a"});
  publisher.drain();
  publisher.say(publisher.opened[0], "07 0001 00");
  publisher.cancel(publisher.opened[0], 0x7);
  EXPECT_EQ(publisher.only<NamespaceCancelled>().code, 0x5u);  // REQUEST_ERROR's EXPIRED_AUTH_TOKEN
}

// Section 3.2: ".session" is the protocol's, "." nobody's, others are for the application.
TEST(NamespaceStreams, ReservedNamespacesDoNotReachTheApplication) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto session = peer.open("03 000e 00 01 08 2e73657373696f6e 01 74 00");
  const auto period = peer.open("06 0005 02 01 01 2e 00");
  EXPECT_EQ(peer.requests[session].bytes.at(3), 0x10);  // DOES_NOT_EXIST
  EXPECT_EQ(peer.requests[period].bytes.at(3), 0x10);
  (void)peer.open("03 0008 04 01 02 2e61 01 74 00");
  EXPECT_EQ(peer.events.size(), 1u);
}

// ---- GOAWAY ----

// Section 10.4: New Session URI, Timeout, and the smallest Request ID that has not been processed.
TEST(GoawayStreams, TheSessionsHasTimeoutAndRequestId) {
  auto peer = RequestPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.goaway().ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("10 0005 00 c07530 00"));  // 30000 ms
  const auto late = peer.open("03 0007 00 01 0161 01 74 00");
  EXPECT_EQ(peer.requests[late].bytes.at(3), 0x6);  // GOING_AWAY
  EXPECT_TRUE(peer.all<SubscribeReceived>().empty());
}

TEST(GoawayStreams, ThePeersIsReported) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.subscribe({TrackNamespace{"a"}, "t"});
  peer.control("10 0004 01 75 05 02");  // URI "u", 5 ms, Request ID 2
  EXPECT_EQ(peer.only<GoawayReceived>().new_session_uri, "u");
  EXPECT_EQ(peer.only<GoawayReceived>().timeout_ms, 5u);
  EXPECT_TRUE(peer.session.going_away());
  EXPECT_EQ(peer.session.track_status({TrackNamespace{"a"}, "t"}).error(), SessionError::kGoingAway);
}

TEST(GoawayStreams, OneRequestMayBeSentAway) {
  auto peer = RequestPeer::established(Perspective::kClient);
  const auto subscription = peer.session.subscribe({TrackNamespace{"a"}, "t"});
  peer.drain();
  peer.say(peer.opened[0], "04 0002 09 00 | 10 0003 01 75 00");
  EXPECT_EQ(peer.only<GoawayReceived>().request, *subscription);
  EXPECT_FALSE(peer.session.going_away());
  peer.say(peer.opened[0], "10 0003 01 75 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "a second one on the same stream";
}

TEST(GoawayStreams, WrongOnesCloseTheSession) {
  auto parity = RequestPeer::established(Perspective::kClient);
  parity.control("10 0003 00 00 01");  // a Request ID of the server's
  EXPECT_EQ(parity.close_code(), SessionErrorCode::kInvalidRequestId);
  auto uri = RequestPeer::established(Perspective::kServer);
  uri.control("10 0004 01 75 00 01");  // clients name no URI
  EXPECT_EQ(uri.close_code(), SessionErrorCode::kProtocolViolation);
  auto twice = RequestPeer::established(Perspective::kClient);
  twice.control("10 0003 00 00 00 | 10 0003 00 00 00");
  EXPECT_EQ(twice.close_code(), SessionErrorCode::kProtocolViolation);
}

}  // namespace
}  // namespace msquic_py::moqt::session
