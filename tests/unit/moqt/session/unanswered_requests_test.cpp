// Requests of ours that the peer does not answer: each ends alone, and costs nobody the session.

#include <gtest/gtest.h>

#include <chrono>

#include "harness/raw_peer.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;
using moqt::FullTrackName;
using moqt::Perspective;
using moqt::TrackNamespace;
using moqt::session::Patience;
using moqt::session::RequestAccepted;
using moqt::session::RequestHandle;
using moqt::session::RequestRejected;
using moqt::session::RequestsPossible;
using moqt::session::Session;
using moqt::session::SessionConfig;
using moqt::session::SessionError;
using moqt::session::SessionResult;

const FullTrackName kAsked(TrackNamespace{"a"}, "t");
constexpr std::uint64_t kTimeoutCode = 0x2;

struct Kind {
  const char* name;
  SessionResult<RequestHandle> (*ask)(Session&, Patience);
  /// What takes the request with ID 1 back; empty where the draft has no message for that.
  const char* taken_back;
  /// An answer that comes too late.
  const char* late_answer;
};

const Kind kKinds[] = {
    {"SUBSCRIBE", [](Session& session, Patience patience) { return session.subscribe(kAsked, {}, patience); },
     "0a 0001 01", "04 0003 01 05 00"},
    {"PUBLISH", [](Session& session, Patience patience) { return session.publish(kAsked, {}, patience); },
     // PUBLISH_DONE: request 1, INTERNAL_ERROR, no streams, "no answer to PUBLISH in time".
     "0b 0020 01 00 00 1c 6e6f 20 616e73776572 20 746f 20 5055424c495348 20 696e 20 74696d65", "1e 0002 01 00"},
    {"PUBLISH_NAMESPACE",
     [](Session& session, Patience patience) { return session.publish_namespace(TrackNamespace{"a"}, {}, patience); },
     "09 0003 01 01 61", "07 0002 01 00"},
    {"SUBSCRIBE_NAMESPACE",
     [](Session& session, Patience patience) { return session.subscribe_namespace(TrackNamespace{"a"}, {}, patience); },
     "14 0001 01", "07 0002 01 00"},
    {"TRACK_STATUS", [](Session& session, Patience patience) { return session.track_status(kAsked, {}, patience); }, "",
     "07 0002 01 00"},
};

class Unanswered : public ::testing::TestWithParam<Kind> {};

// [d15 §9.8-1]
TEST_P(Unanswered, EndsAloneAndIsTakenBack) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto request = GetParam().ask(peer.session, {});
  ASSERT_TRUE(request.ok());
  peer.drain();
  peer.advance(59s);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  peer.sent_control.clear();
  peer.advance(2s);
  const auto rejected = peer.all<RequestRejected>();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].request, *request);
  EXPECT_EQ(rejected[0].code, kTimeoutCode);
  EXPECT_FALSE(rejected[0].reason.empty());
  EXPECT_EQ(peer.sent_control, hex(GetParam().taken_back));
  EXPECT_EQ(peer.session.open_requests(), 0u);
  peer.control(GetParam().late_answer);
  EXPECT_FALSE(peer.closed) << peer.closed->reason;
  EXPECT_TRUE(peer.all<RequestAccepted>().empty());
}

// [d15 §9.8-1]
TEST_P(Unanswered, EndsWithoutCreditToo) {
  RawPeer peer(Perspective::kServer);
  peer.control("20 0001 00");  // CLIENT_SETUP without MAX_REQUEST_ID: no request is allowed
  const auto request = GetParam().ask(peer.session, {.limit = 10s});
  ASSERT_TRUE(request.ok());
  peer.drain();
  peer.sent_control.clear();
  peer.advance(9s);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  peer.advance(2s);
  ASSERT_EQ(peer.all<RequestRejected>().size(), 1u);
  EXPECT_EQ(peer.all<RequestRejected>()[0].code, kTimeoutCode);
  EXPECT_EQ(peer.session.open_requests(), 0u);
  peer.control("15 0001 0a");  // credit, too late: nothing is sent
  EXPECT_TRUE(peer.sent_control.empty());
  EXPECT_FALSE(peer.closed);
}

TEST_P(Unanswered, MayWaitForCreditAsLongAsItTakes) {
  RawPeer peer(Perspective::kServer);
  peer.control("20 0001 00");
  ASSERT_TRUE(GetParam().ask(peer.session, {.limit = 10s, .since = Patience::Since::kSent}).ok());
  peer.drain();
  peer.advance(1h);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  peer.control("15 0001 0a");
  peer.advance(9s);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  peer.advance(2s);
  EXPECT_EQ(peer.all<RequestRejected>().size(), 1u);
}

TEST_P(Unanswered, MayWaitForEver) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(GetParam().ask(peer.session, {.limit = moqt::session::Duration::zero()}).ok());
  peer.drain();
  peer.advance(24h);
  EXPECT_TRUE(peer.all<RequestRejected>().empty());
  EXPECT_EQ(peer.session.open_requests(), 1u);
}

INSTANTIATE_TEST_SUITE_P(EveryKind, Unanswered, ::testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST(UnansweredUpdate, EndsAloneAndItsSubscriptionGoesOn) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto subscription = peer.session.subscribe(kAsked);
  ASSERT_TRUE(subscription.ok());
  peer.drain();
  peer.control("04 0003 01 05 00");
  moqt::MessageParameters paused;
  paused.set_forward(false);
  const auto update = peer.session.update(*subscription, paused, {.limit = 5s});
  ASSERT_TRUE(update.ok());
  peer.drain();
  peer.advance(6s);
  ASSERT_EQ(peer.all<RequestRejected>().size(), 1u);
  EXPECT_EQ(peer.all<RequestRejected>()[0].request, *update);
  EXPECT_EQ(peer.session.open_requests(), 1u);
  peer.control("07 0002 03 00");  // late
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.session.update(*subscription, paused).ok());
}

// [d15 §9.15-1, §9.15-6]
TEST(UnansweredPublish, IsTakenBackWithItsStreams) {
  auto peer = RawPeer::established(Perspective::kServer);
  const auto subscription = peer.session.publish(kAsked);
  ASSERT_TRUE(subscription.ok());
  const auto stream = peer.session.open_subgroup(*subscription, {});
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(peer.session.append_object(*stream, 0, base::SharedBytes::copy_of(hex("00 01 78")), 1).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.advance(61s);
  // PUBLISH_DONE counts the one stream, which has been reset.
  ASSERT_GE(peer.sent_control.size(), 6u);
  EXPECT_EQ(base::ByteVector(peer.sent_control.begin(), peer.sent_control.begin() + 6), hex("0b 0020 01 00 01"));
  ASSERT_EQ(peer.resets.size(), 1u);
  EXPECT_EQ(peer.session.published(*subscription), nullptr);
  peer.control("02 0003 00 01 00");  // SUBSCRIBE_UPDATE that crossed it is answered, not punished
  EXPECT_FALSE(peer.closed) << peer.closed->reason;
}

TEST(Waiting, RoomIsToldOnceHalfOfItIsFree) {
  SessionConfig config;
  config.limits.max_waiting_requests = 4;
  RawPeer peer(Perspective::kServer, config);
  peer.control("20 0001 00");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(peer.session.track_status(kAsked, {}, {.limit = 0s}).ok());
  EXPECT_EQ(peer.session.track_status(kAsked).error(), SessionError::kTooManyRequests);
  peer.drain();
  peer.control("15 0001 02");  // credit for one: request 1
  EXPECT_TRUE(peer.all<RequestsPossible>().empty());
  peer.control("15 0001 04");
  EXPECT_EQ(peer.all<RequestsPossible>().size(), 1u);
  peer.control("15 0001 06");
  EXPECT_EQ(peer.all<RequestsPossible>().size(), 1u) << "nothing was refused meanwhile";
}

TEST(Waiting, WhatHasEndedTakesNoRoom) {
  SessionConfig config;
  config.limits.max_waiting_requests = 2;
  RawPeer peer(Perspective::kServer, config);
  peer.control("20 0001 00");
  for (int round = 0; round < 3; ++round) {
    const auto cancelled = peer.session.subscribe(kAsked);
    ASSERT_TRUE(cancelled.ok());
    ASSERT_TRUE(peer.session.track_status(kAsked, {}, {.limit = 1s}).ok());
    EXPECT_EQ(peer.session.track_status(kAsked).error(), SessionError::kTooManyRequests);
    EXPECT_TRUE(peer.session.cancel(*cancelled).ok());
    peer.drain();
    peer.advance(2s);
    EXPECT_EQ(peer.all<RequestsPossible>().size(), round + 1u);
  }
}

}  // namespace
}  // namespace msquic_py::testing
