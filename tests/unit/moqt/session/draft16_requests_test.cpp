// Requests of draft-16: one control stream for all but SUBSCRIBE_NAMESPACE, which has a bidirectional stream. Bytes are
// written from the text of draft-16, sections 3.3, 5.1, 6 and 9.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

RequestPeer peer_of(Perspective session_is) { return RequestPeer::established(session_is, {}, Draft::k16); }
FullTrackName track(std::string_view name = "t") { return {TrackNamespace{"a"}, name}; }

// ---- SUBSCRIBE_NAMESPACE, section 9.25 ----

// Type 0x11, Request ID 0, prefix (a), Subscribe Options, no parameters.
TEST(Draft16Namespaces, EachSubscriptionHasAStream) {
  const std::pair<NamespaceInterest, const char*> options[] = {
      {NamespaceInterest::kPublish, "11 0006 00 01 0161 00 00"},
      {NamespaceInterest::kNamespace, "11 0006 00 01 0161 01 00"},
      {NamespaceInterest::kBoth, "11 0006 00 01 0161 02 00"}};
  for (const auto& [interest, bytes] : options) {
    auto peer = peer_of(Perspective::kClient);
    const auto asked = peer.session.subscribe_namespace(TrackNamespace{"a"}, {}, {}, interest);
    ASSERT_TRUE(asked.ok());
    peer.drain();
    ASSERT_EQ(peer.opened.size(), 1u);
    EXPECT_EQ(peer.take(peer.opened[0]), hex(bytes));
    EXPECT_TRUE(peer.sent_control.empty());
    peer.say_bytewise(peer.opened[0], "07 0002 00 00");
    EXPECT_EQ(peer.only<RequestAccepted>().request, *asked);
    ASSERT_TRUE(peer.session.cancel(*asked).ok());
    peer.drain();
    EXPECT_EQ(peer.requests[peer.opened[0]].reset, 0x1u);
    EXPECT_EQ(peer.requests[peer.opened[0]].stopped, 0x1u);
    EXPECT_EQ(peer.session.open_requests(), 0u);
  }
}

TEST(Draft16Namespaces, NamespacesComeAndGo) {
  auto peer = peer_of(Perspective::kClient);
  const auto asked = peer.session.subscribe_namespace({});
  ASSERT_TRUE(asked.ok()) << "a prefix may be empty";
  peer.drain();
  const auto stream = peer.opened[0];
  EXPECT_EQ(peer.take(stream), hex("11 0004 00 00 02 00"));
  peer.say(stream, "07 0002 00 00 | 08 0003 01 0162");
  EXPECT_EQ(peer.only<NamespaceFound>().subscription, *asked);
  EXPECT_EQ(peer.only<NamespaceFound>().track_namespace, TrackNamespace{"b"});
  peer.say(stream, "0e 0003 01 0162");
  EXPECT_EQ(peer.only<NamespaceLost>().track_namespace, TrackNamespace{"b"});
  peer.finish(stream);
  EXPECT_EQ(peer.only<NamespaceSubscriptionEnded>().subscription, *asked);
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

TEST(Draft16Namespaces, ARefusalComesOnTheStream) {
  auto peer = peer_of(Perspective::kClient);
  const auto asked = peer.session.subscribe_namespace(TrackNamespace{"a"});
  peer.drain();
  peer.say(peer.opened[0], "05 0007 00 01 4065 02 6e6f", true);  // UNAUTHORIZED, again after 100 ms, "no"
  EXPECT_EQ(peer.only<RequestRejected>().request, *asked);
  EXPECT_EQ(peer.only<RequestRejected>().code, 0x1u);
  EXPECT_EQ(peer.only<RequestRejected>().retry_after_ms, 100u);
  EXPECT_TRUE(peer.requests[peer.opened[0]].fin);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

TEST(Draft16Namespaces, AStreamThatEndsUnansweredHasFailed) {
  for (const bool reset : {true, false}) {
    auto peer = peer_of(Perspective::kClient);
    (void)peer.session.subscribe_namespace(TrackNamespace{"a"});
    peer.drain();
    reset ? peer.reset(peer.opened[0]) : peer.finish(peer.opened[0]);
    EXPECT_EQ(peer.only<RequestRejected>().code, 0x0u);
    EXPECT_EQ(peer.session.open_requests(), 0u);
  }
}

TEST(Draft16Namespaces, TheyAreToldOnTheStream) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("11 0006 00 01 0161 01 00");
  const auto asked = peer.only<NamespaceSubscribed>();
  EXPECT_EQ(asked.interest, NamespaceInterest::kNamespace);
  ASSERT_TRUE(peer.session.accept(asked.request).ok());
  const auto announced = peer.session.announce(asked.request, TrackNamespace{"a", "b"});
  ASSERT_TRUE(announced.ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0002 00 00 | 08 0003 01 0162"));
  ASSERT_TRUE(peer.session.cancel(*announced).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("0e 0003 01 0162"));
  EXPECT_TRUE(peer.sent_control.empty());
}

// Section 6.1: a FIN cancels, and so does a reset; STOP_SENDING leaves nothing to say.
TEST(Draft16Namespaces, TheSubscriberEndsThem) {
  for (const int how : {0, 1, 2}) {
    auto peer = peer_of(Perspective::kServer);
    const auto stream = peer.open("11 0006 00 01 0161 02 00");
    const auto asked = peer.only<NamespaceSubscribed>().request;
    ASSERT_TRUE(peer.session.accept(asked).ok());
    if (how == 0) peer.finish(stream);
    if (how == 1) peer.reset(stream);
    if (how == 2) peer.stop(stream);
    EXPECT_EQ(peer.only<NamespaceUnsubscribed>().request, asked);
    EXPECT_EQ(peer.session.open_requests(), 0u);
    EXPECT_FALSE(peer.closed);
  }
}

// Section 9.25: whatever both ask for.
TEST(Draft16Namespaces, OverlapsAreRefused) {
  auto peer = peer_of(Perspective::kServer);
  (void)peer.open("11 0006 00 01 0161 00 00");
  const auto below = peer.open("11 0008 02 02 0161 0162 01 00");
  EXPECT_EQ(peer.all<NamespaceSubscribed>().size(), 1u);
  const auto refusal = peer.take(below);
  ASSERT_GT(refusal.size(), 4u);
  EXPECT_EQ(refusal[0], 0x05);
  EXPECT_EQ(refusal[3], 0x02);  // Request ID
  EXPECT_EQ(refusal[4], 0x30);  // PREFIX_OVERLAP
  EXPECT_TRUE(peer.requests[below].fin);
}

TEST(Draft16Namespaces, TheyWaitForSetup) {
  RequestPeer peer(Perspective::kServer, {}, Draft::k16);
  const auto stream = peer.open("11 0006 00 01 01");
  peer.say(stream, "61 02 00");
  EXPECT_TRUE(peer.all<NamespaceSubscribed>().empty());
  peer.control("20 0004 01 02 4064");
  EXPECT_EQ(peer.all<NamespaceSubscribed>().size(), 1u);
}

TEST(Draft16Namespaces, WhatIsOutOfPlaceViolates) {
  // On the stream of a request of ours.
  for (const char* wrong : {"08 0003 01 0162", "07 0002 00 00 | 0e 0003 01 0162", "07 0002 02 00", "0a 0001 00"}) {
    auto peer = peer_of(Perspective::kClient);
    (void)peer.session.subscribe_namespace(TrackNamespace{"a"});
    peer.drain();
    peer.say(peer.opened[0], wrong);
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << wrong;
  }
  // On a stream that the peer opens: SUBSCRIBE; SUBSCRIBE_NAMESPACE twice.
  for (const char* wrong :
       {"03 0007 00 01 0161 01 74 00", "11 0006 00 01 0161 02 00 | 11 0006 02 01 0162 02 00", "11 00ff ff"}) {
    auto peer = peer_of(Perspective::kServer);
    peer.open(wrong, /*fin=*/true);
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << wrong;
  }
  // On the control stream: SUBSCRIBE_NAMESPACE; NAMESPACE; NAMESPACE_DONE.
  for (const char* wrong : {"11 0006 00 01 0161 02 00", "08 0003 01 0162", "0e 0003 01 0162"}) {
    auto peer = peer_of(Perspective::kServer);
    peer.control(wrong);
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << wrong;
  }
}

// ---- Request IDs, section 9.1 ----

// A stream may be slower than the control stream, so that its Request ID comes behind a later one.
TEST(Draft16RequestIds, MayOvertakeEachOther) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("03 0007 02 01 0161 01 74 00");
  (void)peer.open("11 0006 00 01 0162 02 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
  EXPECT_EQ(peer.all<NamespaceSubscribed>().size(), 1u);
  EXPECT_FALSE(peer.closed);
  peer.control("0d 0007 02 01 0161 01 74 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kInvalidRequestId) << "each counts once";
}

TEST(Draft16RequestIds, NamespaceSubscriptionsTakeCreditAndGiveItBack) {
  SessionConfig config;
  config.limits.max_open_requests = 1;
  auto peer = RequestPeer::established(Perspective::kServer, config, Draft::k16);
  const auto stream = peer.open("11 0006 00 01 0161 02 00");
  EXPECT_TRUE(peer.sent_control.empty());
  peer.finish(stream);
  EXPECT_EQ(peer.sent_control, hex("15 0001 04"));  // MAX_REQUEST_ID 4: one more request
}

// ---- REQUEST_UPDATE, section 9.11 ----

TEST(Draft16Updates, AreForRequestsOfEveryKind) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("06 0005 00 01 0161 00");                       // PUBLISH_NAMESPACE
  peer.control("16 000c 02 01 01 0161 01 74 00 00 00 02 00");  // FETCH
  ASSERT_TRUE(peer.session.accept(peer.only<NamespacePublished>().request).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("02 0003 04 00 00");
  EXPECT_EQ(peer.sent_control, hex("07 0002 04 00"));
  peer.sent_control.clear();
  peer.control("02 0005 06 02 01 20 05");  // SUBSCRIBER_PRIORITY 5 of the FETCH
  EXPECT_EQ(peer.sent_control, hex("07 0002 06 00"));
  const auto stream = peer.open("11 0006 08 01 0162 02 00");
  ASSERT_TRUE(peer.session.accept(peer.only<NamespaceSubscribed>().request).ok());
  peer.drain();
  (void)peer.take(stream);
  peer.say(stream, "02 0003 0a 08 00");
  EXPECT_EQ(peer.take(stream), hex("07 0002 0a 00")) << "in answer to where it came";
  EXPECT_FALSE(peer.closed);
}

TEST(Draft16Updates, OfWhatHasEndedAreRefused) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("0d 0007 00 01 0161 01 74 00");  // TRACK_STATUS
  ASSERT_TRUE(peer.session.reject(peer.only<TrackStatusReceived>().request, RequestErrorCode::kDoesNotExist).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("02 0003 02 00 00");
  ASSERT_GT(peer.sent_control.size(), 4u);
  EXPECT_EQ(peer.sent_control[0], 0x05);
  EXPECT_EQ(peer.sent_control[4], 0x10);  // DOES_NOT_EXIST
  EXPECT_FALSE(peer.closed);
  peer.control("02 0003 04 08 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "there never was a request 8";
}

TEST(Draft16Updates, OfWhatTheOtherSideAskedViolate) {
  auto peer = peer_of(Perspective::kServer);
  ASSERT_TRUE(peer.session.publish_namespace(TrackNamespace{"a"}).ok());
  peer.drain();
  peer.control("02 0003 00 01 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// Section 9.11: the start may become an earlier one.
TEST(Draft16Updates, MayAskForAnEarlierStart) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("03 000c 00 01 0161 01 74 01 21 03 03 05 00");  // from group 5 on
  const auto subscription = peer.only<SubscribeReceived>().request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.control("02 0008 02 00 01 21 03 03 02 00");
  ASSERT_FALSE(peer.closed);
  ASSERT_TRUE(peer.session.accept(peer.only<UpdateReceived>().update).ok());
  EXPECT_EQ(peer.session.published(subscription)->start, (Location{2, 0}));
}

// ---- PUBLISH_NAMESPACE_DONE and PUBLISH_NAMESPACE_CANCEL, sections 9.22 and 9.24 ----

TEST(Draft16Namespaces, PublicationsEndByRequestId) {
  auto peer = peer_of(Perspective::kClient);
  const auto first = peer.session.publish_namespace(TrackNamespace{"a"});
  const auto second = peer.session.publish_namespace(TrackNamespace{"b"});
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("06 0005 00 01 0161 00 | 06 0005 02 01 0162 00"));
  peer.control("07 0002 00 00 | 07 0002 02 00");
  peer.sent_control.clear();
  ASSERT_TRUE(peer.session.cancel(*first).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("09 0001 00"));
  peer.control("0c 0003 00 20 00 | 0c 0003 02 20 00");  // the first has crossed our PUBLISH_NAMESPACE_DONE
  EXPECT_EQ(peer.only<NamespaceCancelled>().request, *second);
  EXPECT_EQ(peer.only<NamespaceCancelled>().code, 0x20u);
  EXPECT_FALSE(peer.closed);
  peer.control("0c 0003 08 20 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "there never was a request 8";
}

TEST(Draft16Namespaces, ThePeerWithdrawsByRequestId) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("06 0005 00 01 0161 00 | 03 0007 02 01 0161 01 74 00");
  const auto published = peer.only<NamespacePublished>().request;
  ASSERT_TRUE(peer.session.accept(published).ok());
  peer.control("09 0001 00");
  EXPECT_EQ(peer.only<NamespaceDone>().request, published);
  peer.control("09 0001 02");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "that is a SUBSCRIBE";
}

// ---- section 5.1 ----

TEST(Draft16Subscriptions, ASecondOneIsRefused) {
  auto peer = peer_of(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00 | 03 0007 02 01 0161 01 74 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 1u);
  ASSERT_GT(peer.sent_control.size(), 4u);
  EXPECT_EQ(peer.sent_control[3], 0x02);
  EXPECT_EQ(peer.sent_control[4], 0x19);  // DUPLICATE_SUBSCRIPTION
  EXPECT_FALSE(peer.closed);
}

// Section 9.10: alias, parameters by deltas, then the Track Extensions; our SUBSCRIBE goes on the control stream.
TEST(Draft16Subscriptions, TellOfTheTrackInExtensions) {
  auto peer = peer_of(Perspective::kClient);
  const auto subscription = peer.session.subscribe(track());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("03 0007 00 01 0161 01 74 00"));
  EXPECT_TRUE(peer.opened.empty());
  peer.control("04 0009 00 01 01 09 02 05 07 | 0e 07");  // LARGEST_OBJECT {5, 7}; DEFAULT_PUBLISHER_PRIORITY 7
  const auto accepted = peer.only<RequestAccepted>();
  EXPECT_EQ(accepted.request, *subscription);
  EXPECT_EQ(accepted.parameters.largest_object(), (Location{5, 7}));
  EXPECT_EQ(accepted.parameters.publisher_priority(), 7);
  ASSERT_TRUE(peer.session.cancel(*subscription).ok());
  peer.sent_control.clear();
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("0a 0001 00"));
}

}  // namespace
}  // namespace msquic_py::moqt::session
