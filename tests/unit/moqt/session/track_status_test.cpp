// What the answer to a TRACK_STATUS says of the track ([d15 §9.19], draft-16 section 9.7, draft-18 sections 10.5 and
// 10.14, draft-22 sections 9.3 and 9.13). Bytes are written from these texts.
#include <gtest/gtest.h>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::hex;
using testing::RequestPeer;

/// As for a SUBSCRIBE_OK: LARGEST_OBJECT {4, 2}, a time, DEFAULT_PUBLISHER_PRIORITY 3, DYNAMIC_GROUPS.
MessageParameters said() {
  MessageParameters parameters;
  parameters.set_expires(1000);
  parameters.set_largest_object({4, 2});
  parameters.set_publisher_priority(3);
  parameters.set_dynamic_groups(true);
  return parameters;
}

// Parameter 0x09, then the properties: 0x0e, and 0x30, which is 0x22 more.
TEST(TrackStatus, HasAllPropertiesWhereTheAnswerHasAPlaceForThem) {
  for (const Draft draft : {Draft::k18, Draft::k22}) {
    auto peer = RequestPeer::established(Perspective::kServer, {}, draft);
    const auto stream = peer.open("0d 0007 00 01 0161 01 74 00");
    ASSERT_TRUE(peer.session.accept(peer.only<TrackStatusReceived>().request, said()).ok());
    peer.drain();
    EXPECT_EQ(peer.take(stream), hex("07 0008 01 09 04 02 0e 03 22 01"));
    EXPECT_TRUE(peer.requests[stream].fin);
  }
}

// INCLUDE_PROPERTIES 0x35: 0.
TEST(TrackStatus, HasNoneWhereTheyAreNotWanted) {
  auto peer = RequestPeer::established(Perspective::kServer, {}, Draft::k22);
  const auto stream = peer.open("0d 0009 00 01 0161 01 74 01 35 00");
  ASSERT_TRUE(peer.session.accept(peer.only<TrackStatusReceived>().request, said()).ok());
  peer.drain();
  EXPECT_EQ(peer.take(stream), hex("07 0004 01 09 04 02"));
}

// Request ID 0, and the Location in a length.
TEST(TrackStatus, OfDraft16HasTheLargestObjectAlone) {
  auto peer = RequestPeer::established(Perspective::kServer, {}, Draft::k16);
  peer.control("0d 0007 00 01 0161 01 74 00");
  ASSERT_TRUE(peer.session.accept(peer.only<TrackStatusReceived>().request, said()).ok());
  peer.drain();
  EXPECT_EQ(peer.sent_control, hex("07 0006 00 01 09 02 04 02"));
}

}  // namespace
}  // namespace msquic_py::moqt::session
