// GOAWAY about one request, on its stream (draft-18 section 10.4, draft-22 section 9.2), and what SUBSCRIBE_TRACKS is
// told of tracks that it does not get (draft-18 section 10.20, draft-22 section 9.19). Bytes are written from these
// texts.
#include <gtest/gtest.h>

#include <chrono>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using namespace std::chrono_literals;
using testing::hex;
using testing::RequestPeer;

constexpr std::uint64_t kGoingAway = 0x4;  // as the reset of a stream says it

class RequestGoaway : public ::testing::TestWithParam<Draft> {
 protected:
  static RequestPeer peer_of(Perspective session_is) {
    SessionConfig config;
    config.timeouts.goaway = 300ms;  // 812c
    return RequestPeer::established(session_is, config, GetParam());
  }
};

TEST_P(RequestGoaway, AsksForThatRequestToBeMadeElsewhere) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  const auto other = peer.open("03 0007 02 01 0161 01 75 00");
  const auto asked = peer.all<SubscribeReceived>();
  ASSERT_EQ(asked.size(), 2u);
  for (const auto& each : asked) ASSERT_TRUE(peer.session.accept(each.request).ok());
  peer.drain();
  (void)peer.take(stream);
  ASSERT_TRUE(peer.session.goaway(asked[0].request, "moqt://b").ok());
  EXPECT_EQ(peer.session.goaway(asked[0].request).error(), SessionError::kWrongState) << "once on a stream";
  peer.drain();
  // New Session URI of 8 bytes, Timeout 300; no Request ID, which draft-18 has on the control stream alone.
  EXPECT_EQ(peer.take(stream), hex("10 000b 08 6d6f71743a2f2f62 812c"));
  EXPECT_TRUE(peer.sent_control.empty());
  peer.advance(299ms);
  EXPECT_TRUE(peer.all<Unsubscribed>().empty());
  peer.advance(1ms);
  EXPECT_EQ(peer.requests[stream].reset, kGoingAway);
  EXPECT_EQ(peer.only<Unsubscribed>().subscription, asked[0].request);
  EXPECT_FALSE(peer.requests[other].reset);
  EXPECT_NE(peer.session.published(asked[1].request), nullptr);
  EXPECT_FALSE(peer.closed);
}

TEST_P(RequestGoaway, IsOverWhenTheRequesterLeaves) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
  const auto request = peer.only<SubscribeReceived>().request;
  ASSERT_TRUE(peer.session.accept(request).ok());
  ASSERT_TRUE(peer.session.goaway(request).ok());
  peer.drain();
  peer.cancel(stream);
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
  peer.advance(1s);
  EXPECT_EQ(peer.all<Unsubscribed>().size(), 1u);
  EXPECT_FALSE(peer.closed);
}

TEST_P(RequestGoaway, OfASubscriberIsAboutItsPublication) {
  auto peer = peer_of(Perspective::kClient);
  const auto stream = peer.open("1d 0008 01 01 0161 01 74 05 00");  // PUBLISH, alias 5
  const auto request = peer.only<PublishReceived>().request;
  ASSERT_TRUE(peer.session.accept(request).ok());
  peer.drain();
  (void)peer.take(stream);
  EXPECT_EQ(peer.session.goaway(request, "moqt://b").error(), SessionError::kWrongRole) << "a client names no URI";
  ASSERT_TRUE(peer.session.goaway(request).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("10 0003 00 812c"));
  peer.advance(300ms);
  EXPECT_EQ(peer.requests[stream].stopped, kGoingAway);
  peer.advance(10s);
  EXPECT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_FALSE(peer.closed);
}

TEST_P(RequestGoaway, TellsOfTracksThatAreNotOffered) {
  auto peer = peer_of(Perspective::kServer);
  const auto stream = peer.open("51 0005 00 01 0161 00");  // SUBSCRIBE_TRACKS (a)
  const auto request = peer.only<NamespaceSubscribed>().request;
  const FullTrackName track{TrackNamespace{"a", "bc"}, "t"};
  EXPECT_EQ(peer.session.skip_publish(request, track).error(), SessionError::kWrongState) << "not accepted yet";
  ASSERT_TRUE(peer.session.accept(request).ok());
  peer.drain();
  (void)peer.take(stream);
  ASSERT_TRUE(peer.session.skip_publish(request, track).ok());
  EXPECT_EQ(peer.session.skip_publish(request, {TrackNamespace{"b"}, "t"}).error(), SessionError::kInvalidName);
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("0f 0006 01 02 6263 01 74"));  // suffix (bc), name t
  const auto namespaces = peer.open("50 0005 02 01 0161 00");     // SUBSCRIBE_NAMESPACE asks for no tracks
  const auto other = peer.all<NamespaceSubscribed>().back().request;
  ASSERT_TRUE(peer.session.accept(other).ok());
  EXPECT_EQ(peer.session.skip_publish(other, track).error(), SessionError::kWrongRole);
  (void)namespaces;
}

INSTANTIATE_TEST_SUITE_P(Drafts, RequestGoaway, ::testing::Values(Draft::k18, Draft::k22),
                         [](const auto& tested) { return "draft" + std::to_string(static_cast<int>(tested.param)); });

TEST(RequestGoawayBefore, Draft17IsAboutTheSessionAlone) {
  auto peer = RequestPeer::established(Perspective::kServer, {}, Draft::k16);
  peer.control("03 0007 00 01 0161 01 74 00");
  const auto request = peer.only<SubscribeReceived>().request;
  EXPECT_EQ(peer.session.goaway(request).error(), SessionError::kNotInDraft);
}

}  // namespace
}  // namespace msquic_py::moqt::session
