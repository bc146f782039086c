#include <gtest/gtest.h>

#include <string_view>
#include <tuple>
#include <utility>

#include "harness/raw_peer.h"
#include "moqt/session/authorization/verdict.h"

// EXPIRES, and the renewal of a subscription [d15 §9.2.1.8] [d15 §9.11] [d15 §9.15].
namespace msquic_py::testing {
namespace {

using moqt::MessageParameters;
using moqt::Perspective;
using moqt::PublishDoneCode;
using moqt::session::PublishReceived;
using moqt::session::RequestAccepted;
using moqt::session::SubscribeReceived;
using moqt::session::SubscriptionDone;
using moqt::session::SubscriptionExpired;
using moqt::session::SubscriptionExpiring;
using moqt::session::UpdateReceived;
using std::chrono::milliseconds;

MessageParameters expires_after(std::uint64_t after) {
  MessageParameters parameters;
  parameters.set_expires(after);
  return parameters;
}

const moqt::FullTrackName kTimedTrack{moqt::TrackNamespace{"a"}, "t"};

// ---- the publisher ----

// [d15 §9.2.1.8]
TEST(PublisherExpiry, ItsTimeBeginsWithSubscribeOk) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00");
  const auto subscription = peer.all<SubscribeReceived>().at(0).request;
  ASSERT_TRUE(peer.session.accept(subscription, expires_after(3000)).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("04 0006 00 01 01 08 4bb8"));
  EXPECT_EQ(peer.session.expiry(subscription), peer.now + milliseconds(3000));
  peer.advance(milliseconds(2999));
  EXPECT_TRUE(peer.all<SubscriptionExpired>().empty());
  peer.advance(milliseconds(1));
  ASSERT_EQ(peer.all<SubscriptionExpired>().size(), 1u);
  peer.sent_control.clear();
  ASSERT_TRUE(peer.session.publish_done(subscription, PublishDoneCode::kExpired).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("0b 0004 00 05 00 00"));
}

// [d15 §9.2.1.8]
TEST(PublisherExpiry, AnAcceptedUpdateMakesItBeginAnew) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00");
  const auto subscription = peer.all<SubscribeReceived>().at(0).request;
  ASSERT_TRUE(peer.session.accept(subscription, expires_after(3000)).ok());
  peer.drain();
  peer.advance(milliseconds(2000));
  peer.control("02 0003 02 00 00");
  ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>().at(0).update).ok());
  peer.drain();
  EXPECT_EQ(peer.session.expiry(subscription), peer.now + milliseconds(3000));
  peer.advance(milliseconds(2999));
  EXPECT_TRUE(peer.all<SubscriptionExpired>().empty());
  peer.advance(milliseconds(1));
  EXPECT_EQ(peer.all<SubscriptionExpired>().size(), 1u);
}

TEST(PublisherExpiry, ZeroAndNothingHaveNoEnd) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("03 0007 00 01 0161 01 74 00 | 03 0007 02 01 0161 01 75 00");
  const auto received = peer.all<SubscribeReceived>();
  ASSERT_TRUE(peer.session.accept(received.at(0).request, expires_after(0)).ok());
  ASSERT_TRUE(peer.session.accept(received.at(1).request).ok());
  peer.drain();
  EXPECT_FALSE(peer.session.expiry(received.at(0).request));
  peer.advance(std::chrono::hours(24));
  EXPECT_TRUE(peer.all<SubscriptionExpired>().empty());
}

TEST(PublisherExpiry, PublishHasATime) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto subscription = peer.session.publish(kTimedTrack, expires_after(3000));
  ASSERT_TRUE(subscription.ok());
  peer.drain();
  peer.control("1e 0002 01 00");
  peer.advance(milliseconds(3000));
  EXPECT_EQ(peer.all<SubscriptionExpired>().size(), 1u);
}

// ---- what is allowed for a while ----

/// A server that asks, whose client has sent SUBSCRIBE; the application has allowed it for so long.
RawPeer allowed_for(std::uint64_t time) {
  moqt::session::SessionConfig config;
  config.asks_authorization = true;
  RawPeer peer(Perspective::kServer, config);
  peer.control("20 0003 01 02 08");  // MAX_REQUEST_ID 8
  EXPECT_TRUE(peer.session.authorize_session().ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("03 0007 00 01 0161 01 74 00");
  const auto asked = peer.all<moqt::session::AuthorizationRequested>();
  moqt::session::Verdict verdict;
  verdict.expires_ms = time;
  moqt::session::apply(peer.session, asked.back().request, verdict);
  peer.drain();
  return peer;
}

// [d15 §9.2.1.8]
TEST(AllowedTime, IsTheMostThatSubscribeOkGives) {
  for (const auto& [given, allowed, told] :
       {std::tuple(0, 3000, 3000), std::tuple(2000, 3000, 2000), std::tuple(4000, 3000, 3000)}) {
    auto peer = allowed_for(static_cast<std::uint64_t>(allowed));
    const auto subscription = peer.all<SubscribeReceived>().at(0).request;
    ASSERT_TRUE(peer.session.accept(subscription, expires_after(static_cast<std::uint64_t>(given))).ok());
    peer.drain();
    EXPECT_EQ(peer.sent_control, hex(told == 3000 ? "04 0006 00 01 01 08 4bb8" : "04 0006 00 01 01 08 47d0"));
    EXPECT_EQ(peer.session.expiry(subscription), peer.now + milliseconds(told));
    peer.advance(milliseconds(told));
    EXPECT_EQ(peer.all<SubscriptionExpired>().size(), 1u);
  }
}

// [d15 §9.2.1.8]
TEST(AllowedTime, AnUpdateRenewsItOrBringsAnother) {
  auto peer = allowed_for(3000);
  const auto subscription = peer.all<SubscribeReceived>().at(0).request;
  ASSERT_TRUE(peer.session.accept(subscription).ok());
  peer.drain();
  std::string_view update = "02 0003 02 00 00";
  for (const auto& [allowed, lasts] : {std::pair(0, 3000), std::pair(9000, 9000), std::pair(0, 9000)}) {
    peer.advance(milliseconds(1000));
    peer.control(update);
    update = update == "02 0003 02 00 00" ? "02 0003 04 00 00" : "02 0003 06 00 00";
    moqt::session::Verdict verdict;
    if (allowed != 0) verdict.expires_ms = static_cast<std::uint64_t>(allowed);
    moqt::session::apply(peer.session, peer.all<moqt::session::AuthorizationRequested>().back().request, verdict);
    peer.drain();
    ASSERT_TRUE(peer.session.accept(peer.all<UpdateReceived>().back().update).ok());
    peer.drain();
    EXPECT_EQ(peer.session.expiry(subscription), peer.now + milliseconds(lasts));
  }
}

// ---- the subscriber ----

/// A session whose subscription the publisher gives 3000 ms.
struct TimedSubscription {
  TimedSubscription() : peer(RawPeer::established(Perspective::kServer)) {
    subscription = *peer.session.subscribe(kTimedTrack);
    peer.drain();
    peer.control("04 0006 01 02 01 08 4bb8");
    peer.sent_control.clear();
  }
  RawPeer peer;
  moqt::session::RequestHandle subscription;
};

TEST(SubscriberExpiry, IsToldWhenThereIsTimeToRenew) {
  TimedSubscription it;
  const auto end = it.peer.now + milliseconds(3000);
  EXPECT_EQ(it.peer.session.expiry(it.subscription), end);
  it.peer.advance(milliseconds(2000));
  EXPECT_EQ(it.peer.all<SubscriptionExpiring>().size(), 1u);
  EXPECT_EQ(it.peer.session.expiry(it.subscription), end);
  it.peer.advance(milliseconds(5000));
  EXPECT_EQ(it.peer.all<SubscriptionExpiring>().size(), 1u);
  EXPECT_TRUE(it.peer.all<SubscriptionDone>().empty()) << "it is the publisher that ends it, and the time is advisory";
  EXPECT_FALSE(it.peer.closed);
}

// [d15 §9.2.1.8]
TEST(SubscriberExpiry, AnUpdateRenews) {
  TimedSubscription it;
  it.peer.advance(milliseconds(2000));
  ASSERT_TRUE(it.peer.session.update(it.subscription, {}).ok());
  it.peer.drain();
  EXPECT_EQ(it.peer.sent_control, hex("02 0003 03 01 00"));
  it.peer.control("07 0002 03 00");
  EXPECT_EQ(it.peer.session.expiry(it.subscription), it.peer.now + milliseconds(3000));
  it.peer.advance(milliseconds(2000));
  EXPECT_EQ(it.peer.all<SubscriptionExpiring>().size(), 2u);
}

TEST(SubscriberExpiry, RequestOkMayGiveAnotherTime) {
  TimedSubscription it;
  ASSERT_TRUE(it.peer.session.update(it.subscription, {}).ok());
  it.peer.drain();
  it.peer.control("07 0005 03 01 08 5770");  // EXPIRES 6000 in REQUEST_OK
  EXPECT_EQ(it.peer.session.expiry(it.subscription), it.peer.now + milliseconds(6000));
}

// [d15 §9.2.1.8]
TEST(SubscriberExpiry, ItsOwnTimeEndsWithUnsubscribe) {
  auto peer = RawPeer::established(Perspective::kServer);
  peer.control("1d 0008 00 01 0161 01 74 07 00");
  const auto subscription = peer.all<PublishReceived>().at(0).request;
  ASSERT_TRUE(peer.session.accept(subscription, expires_after(3000)).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("1e 0005 00 01 08 4bb8"));
  peer.sent_control.clear();
  peer.advance(milliseconds(3000));
  EXPECT_EQ(peer.sent_control, hex("0a 0001 00")) << "UNSUBSCRIBE";
  ASSERT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_EQ(peer.all<SubscriptionDone>().at(0).code, static_cast<std::uint64_t>(PublishDoneCode::kExpired));
}

TEST(SubscriberExpiry, AnEnormousTimeIsNoOverflow) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto subscription = peer.session.subscribe(kTimedTrack);
  peer.drain();
  peer.control("04 000c 01 02 01 08 ffffffffffffffff");
  EXPECT_GT(*peer.session.expiry(*subscription), peer.now + std::chrono::hours(24 * 300));
}

}  // namespace
}  // namespace msquic_py::testing
