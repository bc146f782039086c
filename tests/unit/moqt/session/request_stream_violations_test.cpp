// What closes a session of draft-18, or must not. Bytes are written from the text, sections 3.3, 3.4, 10 and 11.5.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::RequestPeer;

constexpr auto kViolation = SessionErrorCode::kProtocolViolation;

TEST(RequestStreamViolations, OfTheControlStream) {
  for (const char* wrong : {
           "af00 0000 | af00 0000",                    // a second SETUP
           "af00 0000 | 03 0007 00 01 0161 01 74 00",  // a request
           "af00 0000 | 07 0001 00",                   // an answer
           "af00 0000 | 3f 0000",                      // no message of the draft
           "af00 0002 01 01",                          // PATH ends within its value
       }) {
    RequestPeer peer(Perspective::kServer);
    peer.control(wrong);
    EXPECT_TRUE(peer.closed) << wrong;
  }
  RequestPeer finished(Perspective::kServer);
  finished.control("af00 0000", true);
  finished.advance(finished.session.config().timeouts.control_closed);
  EXPECT_EQ(finished.close_code(), kViolation) << "section 3.3: it must not be closed";
  auto reset = RequestPeer::established(Perspective::kServer);
  reset.reset_control();
  reset.advance(reset.session.config().timeouts.control_closed);
  EXPECT_EQ(reset.close_code(), kViolation);
  auto stopped = RequestPeer::established(Perspective::kServer);
  stopped.session.on_control_closed(stopped.now);
  stopped.drain();
  stopped.advance(stopped.session.config().timeouts.control_closed);
  EXPECT_EQ(stopped.close_code(), kViolation);
  auto second = RequestPeer::established(Perspective::kServer);
  second.stream(6, "af00 0000");
  EXPECT_EQ(second.close_code(), kViolation);
}

TEST(RequestStreamViolations, OfTheFirstMessageOfAStream) {
  for (const char* wrong :
       {"07 0001 00", "02 0002 00 00", "0b 0003 02 00 00", "10 0002 00 00", "af00 0000", "0a 0001 00", "20 0001 00"}) {
    auto peer = RequestPeer::established(Perspective::kServer);
    (void)peer.open(wrong);
    EXPECT_EQ(peer.close_code(), kViolation) << wrong;
  }
}

TEST(RequestStreamViolations, OfRequestIds) {
  for (const char* wrong : {"03 0007 01 01 0161 01 74 00", "03 0007 00 01 0161 01 74 00"}) {
    auto peer = RequestPeer::established(Perspective::kServer);
    (void)peer.open("03 0007 00 01 0161 01 75 00");
    (void)peer.open(wrong);  // of the wrong parity; used before
    EXPECT_EQ(peer.close_code(), SessionErrorCode::kInvalidRequestId) << wrong;
  }
  // Requests on different streams overtake each other (section 10.1).
  auto peer = RequestPeer::established(Perspective::kServer);
  (void)peer.open("03 0007 04 01 0161 01 74 00");
  (void)peer.open("03 0007 00 01 0161 01 75 00");
  (void)peer.open("03 0007 02 01 0161 01 76 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 3u);
  EXPECT_FALSE(peer.closed);
  (void)peer.open("03 0007 02 01 0161 01 77 00");
  EXPECT_EQ(peer.close_code(), SessionErrorCode::kInvalidRequestId);
}

TEST(RequestStreamViolations, OfLaterMessages) {
  for (const char* wrong : {
           "03 0007 02 01 0161 01 75 00",  // a second request
           "07 0001 00",                   // an answer to nothing
           "0b 0003 02 00 00",             // PUBLISH_DONE from the subscriber
           "08 0003 01 0162",              // NAMESPACE
           "10 0003 00 00 02",             // GOAWAY with a Request ID, which belongs to the control stream
       }) {
    auto peer = RequestPeer::established(Perspective::kServer);
    const auto stream = peer.open("03 0007 00 01 0161 01 74 00");
    peer.say(stream, wrong);
    EXPECT_EQ(peer.close_code(), kViolation) << wrong;
  }
  auto status = RequestPeer::established(Perspective::kServer);
  const auto asked = status.open("0d 0007 00 01 0161 01 74 00");
  status.say(asked, "02 0002 02 00");  // section 10.14: no update of TRACK_STATUS
  EXPECT_EQ(status.close_code(), kViolation);
}

TEST(RequestStreamViolations, OfAnswers) {
  for (const char* wrong : {
           "18 0004 00 00 02 00",               // FETCH_OK for SUBSCRIBE
           "07 0001 00",                        // REQUEST_OK for SUBSCRIBE
           "04 0002 09 00 | 04 0002 09 00",     // a second answer
           "04 0002 09 00 | 02 0003 01 00 00",  // an update from the publisher
       }) {
    auto peer = RequestPeer::established(Perspective::kClient);
    (void)peer.session.subscribe({TrackNamespace{"a"}, "t"});
    peer.drain();
    peer.say(peer.opened.front(), wrong);
    EXPECT_EQ(peer.close_code(), kViolation) << wrong;
  }
  // Track Properties belong into the answer to TRACK_STATUS alone (section 10.5).
  auto publication = RequestPeer::established(Perspective::kClient);
  (void)publication.session.publish({TrackNamespace{"a"}, "t"});
  publication.drain();
  publication.say(publication.opened.front(), "07 0003 00 30 01");
  EXPECT_EQ(publication.close_code(), kViolation);
}

TEST(RequestStreamViolations, FinWithinAMessage) {
  auto peer = RequestPeer::established(Perspective::kServer);
  (void)peer.open("03 0007 00 01", true);
  EXPECT_EQ(peer.close_code(), kViolation);
}

TEST(RequestStreamViolations, StreamsThatSayNothingAreForgotten) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto empty = peer.open("", true);
  EXPECT_TRUE(peer.requests[empty].fin);
  const auto broken = peer.open("03 00");
  peer.cancel(broken);
  EXPECT_FALSE(peer.closed);
}

// Section 10.6.1: REDIRECT with the URI moqt://x/, and without one.
TEST(RequestStreamViolations, ARedirectOfTheServer) {
  for (const auto side : {Perspective::kServer, Perspective::kClient}) {
    for (const bool elsewhere : {true, false}) {
      auto peer = RequestPeer::established(side);
      (void)peer.session.subscribe({TrackNamespace{"a"}, "t"});
      peer.drain();
      peer.say(peer.opened.front(),
               elsewhere ? "05 000f 34 00 00 | 09 6d6f71743a2f2f782f | 00 00" : "05 0006 34 00 00 | 00 | 00 00", true);
      EXPECT_EQ(peer.closed.has_value(), elsewhere && side == Perspective::kServer);
    }
  }
}

// Section 11.5: padding is dropped, whatever it is made of.
TEST(RequestStreamViolations, PaddingIsNone) {
  auto peer = RequestPeer::established(Perspective::kServer);
  peer.stream(6, "f0132b3e28 0000");  // 0x132B3E28
  peer.stream(6, "000000", true);
  peer.datagram("f0132b3e29 0000");
  EXPECT_FALSE(peer.closed);
  peer.stream(10, "f0132b3e27 00");  // no stream type
  EXPECT_EQ(peer.close_code(), kViolation);
}

// A publisher that leaves may close its control stream first, and what it has published is still on its way.
TEST(RequestStreamViolations, WhatWasSentBeforeTheControlStreamWasClosedIsTaken) {
  auto peer = RequestPeer::established(Perspective::kServer);
  const auto stream = peer.open("1d 0008 00 01 0161 01 74 05 00");  // PUBLISH, alias 5
  ASSERT_TRUE(peer.session.accept(peer.only<PublishReceived>().request).ok());
  peer.drain();
  peer.reset_control();
  peer.stream(6, "10 05 00 80 | 00 01 61", true);
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u);
  peer.say(stream, "0b 0003 02 01 00", true);  // PUBLISH_DONE, TRACK_ENDED, one stream
  EXPECT_EQ(peer.all<SubscriptionDone>().size(), 1u);
  EXPECT_FALSE(peer.closed);
  peer.advance(peer.session.config().timeouts.control_closed);
  EXPECT_EQ(peer.close_code(), kViolation);
}

TEST(RequestStreamViolations, TooManyRequestsAreRefused) {
  SessionConfig config;
  config.limits.max_open_requests = 1;  // a transport admits four streams all the same
  auto peer = RequestPeer::established(Perspective::kServer, config);
  const auto first = peer.open("03 0007 00 01 0161 01 74 00");
  for (const char* each : {"03 0007 02 01 0161 01 75 00", "03 0007 04 01 0161 01 76 00", "03 0007 06 01 0161 01 77 00"})
    (void)peer.open(each);
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 4u);
  const auto fifth = peer.open("03 0007 08 01 0161 01 78 00");
  EXPECT_EQ(peer.requests[fifth].bytes.at(3), 0x9);  // EXCESSIVE_LOAD
  EXPECT_TRUE(peer.requests[fifth].fin);
  peer.cancel(first);
  (void)peer.open("03 0007 0a 01 0161 01 78 00");
  EXPECT_EQ(peer.all<SubscribeReceived>().size(), 5u);
  EXPECT_FALSE(peer.closed);
}

}  // namespace
}  // namespace msquic_py::moqt::session
