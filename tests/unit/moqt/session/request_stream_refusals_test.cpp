// What is not taken, and what a refusal says, in draft-18. Bytes are written from its text, sections 2.5.1 and 10.6.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::RequestPeer;

FullTrackName a_track(std::string_view name = "t") { return {TrackNamespace{"a"}, name}; }

// ---- mandatory properties of tracks, section 2.5.1 ----

// Track Properties behind the parameters: type 0x4001 as a delta, odd, so that bytes follow.
TEST(RequestStreamRefusals, WhoDoesNotUnderstandATrackDoesNotTakeIt) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.subscribe(a_track());
  (void)peer.session.fetch(a_track(), {0, 0}, {0, 2});
  peer.drain();
  peer.say(peer.opened[0], "04 0006 09 00 c04001 00");
  peer.say(peer.opened[1], "18 0008 00 00 02 00 c04001 00");
  for (const auto& rejected : peer.all<RequestRejected>()) {
    EXPECT_EQ(rejected.code, static_cast<std::uint64_t>(RequestErrorCode::kUnsupportedExtension));
  }
  EXPECT_EQ(peer.all<RequestRejected>().size(), 2u);
  for (const auto& stream : peer.opened) EXPECT_EQ(peer.requests[stream].stopped, 0x1u) << "both are cancelled";
  EXPECT_EQ(peer.session.open_requests(), 0u);
  const auto offered = peer.open("1d 000c 01 01 0161 01 74 05 00 c04001 00");
  EXPECT_TRUE(peer.all<PublishReceived>().empty());
  EXPECT_EQ(peer.requests[offered].bytes.at(3), 0x33);  // UNSUPPORTED_EXTENSION
  EXPECT_FALSE(peer.closed);
}

// ---- REQUEST_ERROR, section 10.6 ----

TEST(RequestStreamRefusals, ARefusalSaysWhenAndWhereToAskAgain) {
  auto peer = RequestPeer::established(Perspective::kClient);
  (void)peer.session.subscribe(a_track());
  peer.drain();
  // REDIRECT, retry interval 51, "", to "moqt://h" and the track (b) "u".
  peer.say(peer.opened[0], "05 0011 34 33 00 08 6d6f71743a2f2f68 01 0162 01 75", true);
  const auto rejected = peer.only<RequestRejected>();
  EXPECT_EQ(rejected.code, 0x34u);
  EXPECT_EQ(rejected.retry_after_ms, 50u);
  ASSERT_TRUE(rejected.redirect);
  EXPECT_EQ(rejected.redirect->connect_uri, "moqt://h");
  EXPECT_EQ(rejected.redirect->track, (FullTrackName{TrackNamespace{"b"}, "u"}));
}

}  // namespace
}  // namespace msquic_py::moqt::session
