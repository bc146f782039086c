#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "harness/raw_peer.h"

// What may cross on the way between two endpoints that both keep to the draft, and what only looks like it.
namespace msquic_py::testing::request_races {
namespace {

using moqt::FullTrackName;
using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::TrackNamespace;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

const FullTrackName kTrack{TrackNamespace{"a"}, "t"};

/// A server whose client has subscribed to ("a") "t" as request 0.
struct Publishing {
  RawPeer peer = RawPeer::established(Perspective::kServer);
  RequestHandle subscription;

  Publishing() {
    peer.control("03 0007 00 01 0161 01 74 00");
    subscription = peer.all<SubscribeReceived>().at(0).request;
    EXPECT_TRUE(peer.session.accept(subscription).ok());
    peer.drain();
    peer.sent_control.clear();
  }
};

// [d15 §9.12-1]
TEST(Races, WhatIsSaidOfASubscriptionAfterPublishDoneIsTolerated) {
  Publishing publishing;
  RawPeer& peer = publishing.peer;
  ASSERT_TRUE(peer.session.publish_done(publishing.subscription, moqt::PublishDoneCode::kTrackEnded).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("0b 0004 00 02 00 00"));
  peer.sent_control.clear();
  peer.control("02 0003 02 00 00");  // SUBSCRIBE_UPDATE
  ASSERT_GE(peer.sent_control.size(), 5u);
  EXPECT_EQ(peer.sent_control[0], 0x05) << "every request gets its answer";
  EXPECT_EQ(peer.sent_control[3], 0x02);
  peer.control("0a 0001 00 | 0a 0001 00");  // UNSUBSCRIBE
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

TEST(Races, ManySubscriptionsMayEndAtOnce) {
  SessionConfig config;
  config.limits.max_open_requests = 400;
  auto peer = RawPeer::established(Perspective::kServer, config);
  char text[64];
  for (unsigned i = 0; i < 300; ++i) {
    std::snprintf(text, sizeof text, "03 000a %04x 01 0161 03 %06x 00", 0x4000u + 2 * i, i);
    peer.control(text);
  }
  const auto subscribed = peer.all<SubscribeReceived>();
  ASSERT_EQ(subscribed.size(), 300u);
  for (const auto& each : subscribed) {
    ASSERT_TRUE(peer.session.accept(each.request).ok());
    ASSERT_TRUE(peer.session.publish_done(each.request, moqt::PublishDoneCode::kTrackEnded).ok());
  }
  peer.drain();
  peer.control("02 0004 4258 00 00");  // SUBSCRIBE_UPDATE 600 of the first of them
  EXPECT_FALSE(peer.closed);
}

// [d15 §9.11-7]
TEST(Races, UpdateAfterUnsubscribeIsNone) {
  Publishing publishing;
  publishing.peer.control("0a 0001 00 | 02 0003 02 00 00");
  EXPECT_EQ(publishing.peer.close_code(), SessionErrorCode::kProtocolViolation) << "the same endpoint ended it before";
}

// [d15 §5.1.1-4]
TEST(Races, AnswersToManyCancelledRequestsAreTolerated) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("15 0004 80000fa0");
  for (int i = 0; i < 300; ++i) {
    const auto request = peer.session.subscribe(kTrack);
    ASSERT_TRUE(request.ok());
    ASSERT_TRUE(peer.session.cancel(*request).ok());
  }
  peer.drain();
  char text[64];
  for (unsigned i = 0; i < 300; ++i) {
    std::snprintf(text, sizeof text, "04 0004 %04x 02 00", 0x4000u + 2 * i + 1);
    peer.control(text);
    ASSERT_FALSE(peer.closed) << "answer " << i;
  }
}

// [d15 §5.1.1-4]
TEST(Races, AnswersToUpdatesOfACancelledSubscriptionAreTolerated) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto request = peer.session.subscribe(kTrack);
  peer.control("04 0003 01 02 00");
  ASSERT_TRUE(peer.session.update(*request, {}).ok());
  ASSERT_TRUE(peer.session.cancel(*request).ok());
  peer.control("07 0002 03 00");
  EXPECT_FALSE(peer.closed);
  peer.control("07 0002 03 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "but only once";
}

// [d15 §9.12-1]
TEST(Races, PublishDoneAfterOurUnsubscribeIsTolerated) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto request = peer.session.subscribe(kTrack);
  peer.control("04 0003 01 02 00");
  ASSERT_TRUE(peer.session.cancel(*request).ok());
  peer.control("0b 0004 01 02 00 00");
  EXPECT_FALSE(peer.closed);
}

// [d15 §5.1-7]
TEST(Races, PublishDoneComesOnce) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 03 00");
  EXPECT_FALSE(peer.closed);
  peer.control("0b 0004 01 02 03 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §5.1-7]
TEST(Races, PublishDoneNeedsAnEstablishedSubscription) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("0b 0004 01 02 00 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "SUBSCRIBE has no answer yet";
}

// [d15 §6.2-5]
TEST(Races, NamespacesThatAreUnknownByNowAreTolerated) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("09 0003 01 0161");        // PUBLISH_NAMESPACE_DONE
  peer.control("0c 0005 01 0161 00 00");  // PUBLISH_NAMESPACE_CANCEL
  EXPECT_FALSE(peer.closed);
  peer.control("11 0005 00 01 0161 00");  // SUBSCRIBE_NAMESPACE
  ASSERT_TRUE(
      peer.session.reject(peer.all<NamespaceSubscribed>().at(0).request, moqt::RequestErrorCode::kUnauthorized).ok());
  peer.control("14 0001 00");  // UNSUBSCRIBE_NAMESPACE crossed the refusal
  EXPECT_FALSE(peer.closed);
  peer.control("14 0001 08");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "that one never was";
}

// [d15 §9.15-4, §10.1-1]
TEST(Races, LateStreamsAndDatagramsOfAnEndedSubscriptionAreDropped) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto request = peer.session.subscribe(kTrack);
  peer.control("04 0003 01 02 00");
  ASSERT_TRUE(peer.session.cancel(*request).ok());
  peer.events.clear();
  peer.stream(2, "14 02 00 00 80 | 00 01 61");
  ASSERT_EQ(peer.stopped.size(), 1u) << "at once, not after the time an unknown alias gets";
  EXPECT_EQ(peer.stopped[0].code, 0x1u) << "CANCELLED";
  peer.datagram("00 02 00 01 80 61");
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.events.empty());
}

// [d15 §9.10-2]
TEST(Races, AnAliasIsFreeAgainAfterPublishDone) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  const auto second = peer.session.subscribe({TrackNamespace{"a"}, "u"});
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 03 00");  // three streams are awaited
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  peer.control("04 0003 03 02 00");
  EXPECT_FALSE(peer.closed);
  ASSERT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.all<SubscriptionDone>()[0].missing_streams, 3u);
  peer.stream(2, "14 02 00 00 80 | 00 01 61");
  ASSERT_EQ(peer.all<ObjectReceived>().size(), 1u);
  EXPECT_EQ(peer.all<ObjectReceived>()[0].subscription, *second);
}

// [d15 §9.15-7]
TEST(Races, StreamsBeyondTheCountAreStopped) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe(kTrack).ok());
  peer.control("04 0003 01 02 00 | 0b 0004 01 02 01 00");
  peer.stream(2, "14 02 00 00 80 | 00 01 61", true);
  EXPECT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  peer.stream(6, "14 02 01 00 80 | 00 01 61");
  EXPECT_EQ(peer.stopped.size(), 1u);
  EXPECT_FALSE(peer.closed);
}

// [d15 §5.2-3]
TEST(Races, FetchCancelIsForFetches) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00 | 17 0001 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation);
  auto never = RawPeer::established(Perspective::kServer);
  never.control("17 0001 06");
  EXPECT_EQ(never.close_code(), SessionErrorCode::kProtocolViolation);
}

// [d15 §9.19-1]
TEST(Races, TrackStatusIsAnsweredAndForgotten) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("0d 0007 00 01 0161 01 74 00");
  ASSERT_TRUE(peer.session.accept(peer.all<TrackStatusReceived>().at(0).request).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("07 0002 00 00"));
  EXPECT_EQ(peer.session.open_requests(), 0u);
  peer.control("02 0003 02 00 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kProtocolViolation) << "SUBSCRIBE_UPDATE needs a subscription";

  auto live = RawPeer::established(Perspective::kServer);
  live.control("0d 0007 00 01 0161 01 74 00 | 0a 0001 00");
  EXPECT_EQ(live.close_code(), SessionErrorCode::kProtocolViolation) << "UNSUBSCRIBE of a TRACK_STATUS";
}

// [d15 §9.6-2]
TEST(Races, BlockedPeersAreNotAnswered) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("1a 0001 00 | 1a 0001 00 | 1a 0004 bfffffff");
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.sent_control.empty());
}

// [d15 §5.1-3]
TEST(Races, AResponseInTheWrongDirectionCloses) {
  Publishing publishing;
  publishing.peer.control("05 0003 00 00 00");
  EXPECT_EQ(publishing.peer.close_code(), SessionErrorCode::kProtocolViolation) << "request 0 is the peer's own";
}

}  // namespace
}  // namespace msquic_py::testing::request_races
