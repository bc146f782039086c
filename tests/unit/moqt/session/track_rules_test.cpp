#include <gtest/gtest.h>

#include "harness/raw_peer.h"

// What objects say about their group and track, and what becomes of streams that break off: sections 2.4.2, 10.
namespace msquic_py::testing {
namespace {

using moqt::Location;
using moqt::MalformedTrack;
using moqt::Perspective;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test

/// A server that has subscribed to ("a") "t" as request 1, under alias 2.
RawPeer subscribed(SessionConfig config = {}, std::string_view subscribe_ok = "04 0003 01 02 00") {
  auto peer = RawPeer::established(Perspective::kServer, std::move(config));
  EXPECT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  peer.control(subscribe_ok);
  peer.events.clear();
  peer.sent_control.clear();
  return peer;
}

std::optional<MalformedTrack> reason_after(std::string_view first, std::string_view second) {
  auto peer = subscribed();
  peer.stream(2, first);
  peer.stream(6, second, true);
  EXPECT_FALSE(peer.closed);
  const auto found = peer.all<TrackMalformed>();
  return found.empty() ? std::nullopt : std::optional(found[0].reason);
}

// [d15 §2.4.2-6]
TEST(Ends, AnEmptyGroupHasNoObject) {
  EXPECT_EQ(reason_after("14 02 05 00 80 | 00 00 03", "14 02 05 01 80 | 00 01 61"),
            MalformedTrack::kObjectAfterEndOfGroup);
  EXPECT_EQ(reason_after("14 02 05 00 80 | 00 00 03", "14 02 06 01 80 | 00 01 61"), std::nullopt) << "another group";
}

// [d15 §2.4.2-8]
TEST(Ends, CountForObjectsThatCameBefore) {
  EXPECT_EQ(reason_after("14 02 07 00 80 | 00 01 61", "14 02 05 01 80 | 00 00 04"),
            MalformedTrack::kObjectAfterEndOfTrack);
  EXPECT_EQ(reason_after("14 02 05 00 80 | 09 01 61", "14 02 05 01 80 | 05 00 03"),
            MalformedTrack::kObjectAfterEndOfGroup);
  EXPECT_EQ(reason_after("14 02 00 01 80 | 09 01 61", "1c 02 00 00 80 | 05 01 61"),
            MalformedTrack::kObjectAfterEndOfGroup)
      << "type 0x1c: its last object ends the group";
  EXPECT_EQ(reason_after("14 02 00 01 80 | 04 01 61", "1c 02 00 00 80 | 05 01 61"), std::nullopt);
}

// [d15 §2.4.2-7]
TEST(Ends, OfGroupAndTrackMayBeSaidAtOnePlace) {
  EXPECT_EQ(reason_after("14 02 00 00 80 | 05 00 03", "14 02 00 01 80 | 05 00 04"), std::nullopt);
  EXPECT_EQ(reason_after("14 02 00 00 80 | 05 00 04", "14 02 00 01 80 | 05 00 03"), std::nullopt);
  EXPECT_EQ(reason_after("14 02 00 00 80 | 05 00 04", "14 02 00 01 80 | 05 01 61"),
            MalformedTrack::kObjectAfterEndOfTrack);
}

// [d15 §2.4.2-6]
TEST(Ends, OfGroupInADatagram) {
  auto peer = subscribed();
  peer.datagram("02 02 00 05 80 61");  // object 5 ends group 0
  peer.datagram("00 02 00 04 80 61");
  EXPECT_TRUE(peer.all<TrackMalformed>().empty());
  peer.datagram("00 02 00 06 80 61");
  ASSERT_EQ(peer.all<TrackMalformed>().size(), 1u);
  EXPECT_EQ(peer.all<TrackMalformed>()[0].reason, MalformedTrack::kObjectAfterEndOfGroup);
}

// PRIOR_OBJECT_ID_GAP (0x3e) of 6 in object 5: malformed by itself.
constexpr std::string_view kMalformedObject = "15 02 00 00 80 | 05 02 3e 06 01 61";

// [d15 §11.1-8]
TEST(FinishedStreams, LeaveNothingBehindWhenTheirTrackIsMalformed) {
  SessionConfig config;
  config.limits.max_incoming_streams = 1;
  auto peer = subscribed(config);
  peer.stream(2, kMalformedObject, true);
  ASSERT_EQ(peer.all<TrackMalformed>().size(), 1u);
  EXPECT_TRUE(peer.stopped.empty()) << "nothing of it is left to stop";
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "u"}).ok());
  peer.control("04 0003 03 03 00");
  peer.stream(6, "14 03 00 00 80 | 00 01 61");
  EXPECT_TRUE(peer.stopped.empty());
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u);
}

TEST(FinishedStreams, LeaveNothingBehindWhenTheyWaitedForTheirAlias) {
  SessionConfig config;
  config.limits.max_incoming_streams = 1;
  auto peer = RawPeer::established(Perspective::kServer, config);
  peer.stream(2, kMalformedObject, true);
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "u"}).ok());
  peer.control("04 0003 01 02 00 | 04 0003 03 03 00");
  ASSERT_EQ(peer.all<TrackMalformed>().size(), 1u);
  peer.stream(6, "14 03 00 00 80 | 00 01 61", true);
  EXPECT_EQ(peer.all<ObjectReceived>().size(), 1u);

  auto unknown = RawPeer::established(Perspective::kServer, config);
  unknown.stream(2, "14 09 00 00 80 | 00 01 61", true);
  unknown.advance(std::chrono::seconds(3));
  EXPECT_TRUE(unknown.stopped.empty());
  unknown.stream(6, "14 09 01 00 80 | 00 01 61", true);
  unknown.advance(std::chrono::seconds(3));
  EXPECT_TRUE(unknown.stopped.empty()) << "the first is forgotten";
}

// [d15 §10.4.1-1]
TEST(BrokenStreams, ResetAtAnyPointIsNormal) {
  for (const char* begun :
       {"", "14", "40", "14 02 00", "05", "14 02 00 00 80", "14 02 00 00 80 | 00", "14 02 00 00 80 | 00 04 6162"}) {
    auto peer = subscribed();
    peer.stream(2, begun);
    peer.session.on_uni_stream_reset(peer.now, 2, 0x1);
    peer.drain();
    EXPECT_FALSE(peer.closed) << begun;
    peer.advance(std::chrono::hours(1));
    EXPECT_FALSE(peer.closed) << "and nothing is awaited after " << begun;
  }
}

// [d15 §10.4.1-1]
TEST(BrokenStreams, ResetAfterFinSaysNothing) {
  auto peer = subscribed();
  peer.stream(2, "14 02 00 00 80 | 00 01 61", true);
  peer.session.on_uni_stream_reset(peer.now, 2, 0x1);
  peer.drain();
  ASSERT_EQ(peer.all<SubgroupEnded>().size(), 1u);
  EXPECT_TRUE(peer.all<SubgroupEnded>()[0].finished);
}

TEST(BrokenStreams, FinWithoutAByteIsNoStream) {
  auto peer = subscribed();
  peer.stream(2, "", true);
  EXPECT_FALSE(peer.closed);
  peer.stream(6, "14", true);
  EXPECT_EQ(peer.close_code(), moqt::SessionErrorCode::kProtocolViolation) << "but its type alone is half a header";
}

// [d15 §7.3-3, §9.2.1.4-2, §10.4.2-2]
TEST(Priorities, AreInheritedFromTheSubscription) {
  const auto priority = [](std::string_view subscribe_ok, std::string_view bytes) {
    auto peer = subscribed({}, subscribe_ok);
    peer.stream(2, bytes);
    return int{peer.all<ObjectReceived>().at(0).publisher_priority};
  };
  EXPECT_EQ(priority("04 0003 01 02 00", "34 02 00 00 | 00 01 61"), 128);
  EXPECT_EQ(priority("04 0005 01 02 01 0e 0a", "34 02 00 00 | 00 01 61"), 10);
  EXPECT_EQ(priority("04 0005 01 02 01 0e 0a", "14 02 00 00 05 | 00 01 61"), 5);
  auto datagram = subscribed({}, "04 0005 01 02 01 0e 0a");
  datagram.datagram("08 02 00 00 61");
  datagram.datagram("00 02 00 01 05 61");
  EXPECT_EQ(datagram.all<DatagramReceived>().at(0).publisher_priority, 10);
  EXPECT_EQ(datagram.all<DatagramReceived>().at(1).publisher_priority, 5);
}

TEST(Subgroups, MayTakeTheirIdFromTheFirstObject) {
  auto peer = subscribed();
  peer.stream(2, "12 02 00 80 | 07 01 61 | 00 01 62");
  ASSERT_EQ(peer.all<ObjectReceived>().size(), 2u);
  EXPECT_EQ(peer.all<ObjectReceived>()[1].subgroup, 7u);
  EXPECT_EQ(peer.all<ObjectReceived>()[1].location, (Location{0, 8}));
}

// [d15 §10.1-2]
TEST(UnknownAliasDatagrams, WaitForSubscribeOkAWhile) {
  auto peer = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(peer.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  peer.datagram("00 02 00 00 80 61");
  peer.datagram("00 02 00 01 80 62");
  peer.control("04 0003 01 02 00");
  ASSERT_EQ(peer.all<DatagramReceived>().size(), 2u);
  EXPECT_EQ(peer.all<DatagramReceived>()[0].location, (Location{0, 0}));

  auto late = RawPeer::established(Perspective::kServer);
  ASSERT_TRUE(late.session.subscribe({moqt::TrackNamespace{"a"}, "t"}).ok());
  late.datagram("00 02 00 00 80 61");
  late.advance(std::chrono::seconds(4));
  late.control("04 0003 01 02 00");
  EXPECT_TRUE(late.all<DatagramReceived>().empty());
  EXPECT_FALSE(late.closed);
}

}  // namespace
}  // namespace msquic_py::testing
