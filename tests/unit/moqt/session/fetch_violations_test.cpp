// What a publisher may not do in its answer to a FETCH (sections 9.17, 9.18, 10.4.4).

#include <gtest/gtest.h>

#include "unit/moqt/session/fetching.h"

namespace msquic_py::testing::fetch_requests {
namespace {

std::optional<SessionErrorCode> after_control(std::string_view bytes) {
  Fetching fetching;
  fetching.peer.control(bytes);
  return fetching.peer.close_code();
}

TEST(FetchAnswer, ComesOnceAndIsOfItsKind) {
  constexpr auto kViolation = SessionErrorCode::kProtocolViolation;
  EXPECT_EQ(after_control("18 0005 00 00 05 00 00 | 18 0005 00 00 05 00 00"), kViolation) << "twice";
  EXPECT_EQ(after_control("18 0005 00 00 05 00 00 | 05 0003 00 10 00"), kViolation) << "then an error";
  EXPECT_EQ(after_control("18 0005 02 00 05 00 00"), kViolation) << "no such request";
  EXPECT_EQ(after_control("04 0003 00 02 00"), kViolation) << "SUBSCRIBE_OK";
  EXPECT_EQ(after_control("07 0002 00 00"), kViolation) << "REQUEST_OK";
  EXPECT_EQ(after_control("17 0001 00"), kViolation) << "FETCH_CANCEL of our own FETCH";
  EXPECT_EQ(after_control(kFetchOk), std::nullopt);

  auto subscribed = RawPeer::established(Perspective::kClient);
  ASSERT_TRUE(subscribed.session.subscribe(kTrack).ok());
  subscribed.control(kFetchOk);
  EXPECT_EQ(subscribed.close_code(), kViolation) << "FETCH_OK to a SUBSCRIBE";
}

// [d15 §9.17-2]
TEST(FetchAnswer, EndsNotBeforeTheStart) {
  const auto after = [](Location start, Location end, std::string_view answer) {
    auto peer = RawPeer::established(Perspective::kClient);
    EXPECT_TRUE(peer.session.fetch(kTrack, start, end).ok());
    peer.drain();
    peer.control(answer);
    return peer.close_code();
  };
  EXPECT_EQ(after({3, 4}, {5, 0}, "18 0005 00 00 02 07 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after({3, 4}, {5, 0}, "18 0005 00 00 02 00 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after({3, 4}, {5, 0}, "18 0005 00 00 03 03 00"), SessionErrorCode::kProtocolViolation);
  EXPECT_EQ(after({3, 4}, {5, 0}, "18 0005 00 00 03 05 00"), std::nullopt);
  EXPECT_EQ(after({3, 4}, {5, 0}, "18 0005 00 00 03 00 00"), std::nullopt) << "all of group 3";
}

std::optional<SessionErrorCode> after_stream(std::string_view bytes, bool fin = false) {
  Fetching fetching;
  fetching.peer.stream_bytewise(3, bytes, fin);
  return fetching.peer.close_code();
}

// [d15 §9.16.3-6, §10.4.4-1, §10.4.4-2]
TEST(FetchStream, Violations) {
  constexpr auto kViolation = SessionErrorCode::kProtocolViolation;
  EXPECT_EQ(after_stream("05 00 | 1c 03 00 80 01 61"), std::nullopt);
  EXPECT_EQ(after_stream("05 00 | 00 01 61"), kViolation) << "the first object refers to a prior one";
  EXPECT_EQ(after_stream("05 00 | 1d 03 00 80 01 61"), kViolation) << "the first object's subgroup is the prior one's";
  EXPECT_EQ(after_stream("05 00 | 5c 03 00 80 01 61"), kViolation) << "flag 0x40";
  EXPECT_EQ(after_stream("05 00 | 9c 03 00 80 01 61"), kViolation) << "flag 0x80";
  EXPECT_EQ(after_stream("05 00 | 1c 03 00 80 00 02"), kViolation) << "status 2";
  EXPECT_EQ(after_stream("05", true), kViolation) << "FIN in the header";
  EXPECT_EQ(after_stream("05 00 | 1c 03", true), kViolation) << "FIN in an object's header";
  EXPECT_EQ(after_stream("05 00 | 1c 03 00 80 02 61", true), kViolation) << "FIN in a payload";
  EXPECT_EQ(after_stream("05 00 | 1c 02 09 80 01 61"), kViolation) << "before the start";
  EXPECT_EQ(after_stream("05 00 | 1c 06 00 80 01 61"), kViolation) << "behind the end";
  EXPECT_EQ(after_stream("05 00 | 1c 05 ffffffffffffffff 80 01 61"), std::nullopt) << "still in the last group";
}

// [d15 §9.16.3-6]
TEST(FetchStream, OnlyOneOfThem) {
  Fetching open;
  open.peer.stream(3, "05 00 | 1c 03 00 80 01 61");
  open.peer.stream(7, "05 00");
  EXPECT_EQ(open.peer.close_code(), SessionErrorCode::kProtocolViolation);
  Fetching ended;
  ended.peer.stream(3, "05 00 | 1c 03 00 80 01 61", true);
  ended.peer.stream(7, "05 00 | 1c 03 00 80 01 61");
  EXPECT_EQ(ended.peer.close_code(), SessionErrorCode::kProtocolViolation) << "the first one has ended";
  Fetching over;
  over.peer.control(kFetchOk);
  over.peer.stream(3, "05 00", true);
  over.peer.stream(7, "05 00 | 1c 03 00 80 01 61");
  EXPECT_FALSE(over.peer.closed) << "the fetch is forgotten";
  EXPECT_EQ(over.peer.stopped.size(), 1u);
}

struct Malformed {
  const char* what;
  std::string_view stream;
  std::optional<MalformedTrack> reason;
  bool descending = false;
};

// [d15 §2.4.2-4, §2.4.2-6, §11.1-8]
TEST(FetchStream, MalformedTracks) {
  const Malformed cases[] = {
      {"the same object", "1c 03 04 80 01 61 | 04 04 01 62", MalformedTrack::kFetchObjectNotAscending},
      {"an earlier object", "1c 03 04 80 01 61 | 04 03 01 62", MalformedTrack::kFetchObjectNotAscending},
      {"an earlier object, descending", "1c 03 04 80 01 61 | 04 03 01 62", MalformedTrack::kFetchObjectNotAscending,
       true},
      {"an earlier group", "1c 04 00 80 01 61 | 0c 03 00 01 62", MalformedTrack::kFetchGroupOutOfOrder},
      {"a later group, descending", "1c 03 00 80 01 61 | 0c 04 00 01 62", MalformedTrack::kFetchGroupOutOfOrder, true},
      {"an earlier group, descending", "1c 04 00 80 01 61 | 0c 03 00 01 62", std::nullopt, true},
      {"behind the end of the group", "1c 03 02 80 00 03 | 04 03 01 62", MalformedTrack::kObjectAfterEndOfGroup},
      {"the next group", "1c 03 02 80 00 03 | 0c 04 00 01 62", std::nullopt},
      {"behind the end of the track", "1c 03 02 80 00 04 | 0c 04 00 01 62", MalformedTrack::kObjectAfterEndOfTrack},
      {"before the end of the track, descending", "1c 04 02 80 00 04 | 0c 03 00 01 62", std::nullopt, true},
      // Prior Group ID Gap 0x3c, Prior Object ID Gap 0x3e
      {"a gap over the object before", "1c 03 02 80 01 61 | 24 04 02 3e01 01 62 | 24 06 02 3e02 01 63",
       MalformedTrack::kPriorObjectIdGapCoversObject},
      {"a gap up to the object before", "1c 03 02 80 01 61 | 24 04 02 3e01 01 62", std::nullopt},
      {"a gap over the group before", "1c 03 00 80 01 61 | 2c 05 00 02 3c02 01 62",
       MalformedTrack::kPriorGroupIdGapCoversObject},
      {"a gap up to the group before", "1c 03 00 80 01 61 | 2c 05 00 02 3c01 01 62", std::nullopt},
      {"a group in a gap", "3c 05 00 80 02 3c01 01 61 | 0c 04 00 01 62", MalformedTrack::kObjectInGroupGap, true},
      {"two gaps before one group", "3c 05 00 80 02 3c01 01 61 | 20 02 3c02 01 62",
       MalformedTrack::kPriorGroupIdGapDiffersInGroup},
      {"a gap larger than the Object ID", "3c 05 00 80 02 3e01 01 61",
       MalformedTrack::kPriorObjectIdGapExceedsObjectId},
  };
  for (const Malformed& each : cases) {
    SCOPED_TRACE(each.what);
    Fetching fetching(each.descending ? descending() : MessageParameters{});
    fetching.clear();
    fetching.peer.stream(3, std::string("05 00 | ").append(each.stream));
    const auto malformed = fetching.peer.all<TrackMalformed>();
    EXPECT_FALSE(fetching.peer.closed) << "it ends the fetch, not the session";
    if (!each.reason) {
      EXPECT_TRUE(malformed.empty());
      continue;
    }
    ASSERT_EQ(malformed.size(), 1u);
    EXPECT_EQ(malformed[0].subscription, fetching.fetch);
    EXPECT_EQ(malformed[0].reason, *each.reason);
    ASSERT_EQ(fetching.peer.stopped.size(), 1u);
    EXPECT_EQ(fetching.peer.stopped[0].stream, 3u);
    fetching.expect_cancelled();
    fetching.peer.control(kFetchOk);
    EXPECT_FALSE(fetching.peer.closed) << "it crossed the FETCH_CANCEL";
  }
}

// [d15 §2.4.2-7]
TEST(FetchStream, ObjectBehindTheEndOfTrackOfFetchOk) {
  constexpr std::string_view kEndOfTrack = "18 0005 00 01 04 02 00";  // the last object is {4, 1}
  for (const bool answer_first : {true, false}) {
    Fetching fetching;
    fetching.clear();
    if (answer_first) fetching.peer.control(kEndOfTrack);
    fetching.peer.stream(3, "05 00 | 1c 04 01 80 01 61");
    EXPECT_TRUE(fetching.peer.all<TrackMalformed>().empty());
    fetching.peer.stream(3, "04 02 01 61");
    if (!answer_first) fetching.peer.control(kEndOfTrack);
    ASSERT_EQ(fetching.peer.all<TrackMalformed>().size(), 1u);
    EXPECT_EQ(fetching.peer.all<TrackMalformed>()[0].reason, MalformedTrack::kObjectAfterEndOfTrack);
    fetching.expect_cancelled();
  }
}

// [d15 §2.4.2-1]
TEST(FetchStream, AMalformedTrackEndsSubscriptionAndFetchAlike) {
  for (const bool in_fetch : {true, false}) {
    Fetching fetching;
    const auto subscription = fetching.peer.session.subscribe(kTrack);
    const auto other = fetching.peer.session.fetch({TrackNamespace{"a"}, "u"}, {0, 0}, {1, 0});
    ASSERT_TRUE(subscription.ok() && other.ok());
    fetching.peer.drain();
    fetching.peer.control("04 0003 02 07 00");
    fetching.clear();
    if (in_fetch) {
      fetching.peer.stream(3, "05 00 | 1c 03 04 80 01 61 | 04 04 01 62");
    } else {
      fetching.peer.stream(3, "14 07 00 00 80 | 00 00 03 | 00 01 61");
    }
    const auto malformed = fetching.peer.all<TrackMalformed>();
    ASSERT_EQ(malformed.size(), 2u);
    EXPECT_EQ(malformed[0].subscription, fetching.fetch);
    EXPECT_EQ(malformed[1].subscription, *subscription);
    EXPECT_EQ(fetching.peer.sent_control, hex("17 0001 00 | 0a 0001 02")) << "FETCH_CANCEL, UNSUBSCRIBE";
    EXPECT_EQ(fetching.peer.session.open_requests(), 1u) << "the other track has nothing to do with it";
  }
}

}  // namespace
}  // namespace msquic_py::testing::fetch_requests
