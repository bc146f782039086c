// FETCH from the side that asks (sections 5.2, 9.16 to 9.18, 10.4.4).

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "harness/raw_peer.h"

namespace msquic_py::testing::fetch_requests {
namespace {

using namespace std::chrono_literals;
using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::FullTrackName;
using moqt::GroupOrder;
using moqt::Location;
using moqt::MalformedTrack;
using moqt::MessageParameters;
using moqt::ObjectStatus;
using moqt::Perspective;
using moqt::SessionErrorCode;
using moqt::TrackNamespace;

const FullTrackName kTrack(TrackNamespace{"a"}, "t");
constexpr std::uint64_t kDeliveryTimeout = 0x2;
constexpr std::string_view kFetchOk = "18 0005 00 00 05 00 00";  // Request ID 0, not the end, {5, 0}
constexpr std::string_view kRequestError = "05 0003 00 10 00";   // Request ID 0, DOES_NOT_EXIST
constexpr std::string_view kFetchCancel = "17 0001 00";

/// A client whose request 0 is a FETCH of {3, 0} to the end of group 5.
struct Fetching {
  explicit Fetching(MessageParameters parameters = {}, SessionConfig config = {})
      : peer(RawPeer::established(Perspective::kClient, std::move(config))) {
    const auto asked = peer.session.fetch(kTrack, {3, 0}, {5, 0}, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    fetch = *asked;
    peer.drain();
  }
  void clear() {
    peer.sent_control.clear();
    peer.events.clear();
  }
  /// The session has given the fetch up, and nothing else.
  void expect_cancelled() {
    EXPECT_FALSE(peer.closed);
    EXPECT_EQ(peer.sent_control, hex(kFetchCancel));
    EXPECT_EQ(peer.session.open_requests(), 0u);
  }
  RawPeer peer;
  RequestHandle fetch;
};

MessageParameters descending() {
  MessageParameters parameters;
  parameters.set_group_order(GroupOrder::kDescending);
  return parameters;
}

TEST(FetchRequest, SaysWhatIsWanted) {
  Fetching plain;
  EXPECT_EQ(plain.peer.sent_control, hex("16 000c 00 01 01 0161 01 74 03 00 05 00 00"));
  MessageParameters parameters = descending();
  parameters.set_subscriber_priority(5);
  auto peer = RawPeer::established(Perspective::kClient);
  ASSERT_TRUE(peer.session.fetch(kTrack, {3, 1}, {3, 2}, std::move(parameters)).ok());
  peer.drain();
  const bool either = peer.sent_control == hex("16 0010 00 01 01 0161 01 74 03 01 03 02 02 22 02 20 05") ||
                      peer.sent_control == hex("16 0010 00 01 01 0161 01 74 03 01 03 02 02 20 05 22 02");
  EXPECT_TRUE(either) << "parameters may come in any order";
}

// [d15 §9.16.3-2]
TEST(FetchRequest, OfNothingIsRefusedAtOnce) {
  auto peer = RawPeer::established(Perspective::kClient);
  for (const auto& [start, end] :
       {std::pair(Location{5, 0}, Location{4, 0}), std::pair(Location{5, 0}, Location{4, 9}),
        std::pair(Location{3, 5}, Location{3, 5}), std::pair(Location{3, 5}, Location{3, 2})}) {
    const auto asked = peer.session.fetch(kTrack, start, end);
    ASSERT_FALSE(asked.ok());
    EXPECT_EQ(asked.error(), SessionError::kEmptyRange);
  }
  EXPECT_EQ(peer.session.fetch({}, {0, 0}, {1, 0}).error(), SessionError::kInvalidName);
  peer.drain();
  EXPECT_TRUE(peer.sent_control.empty());
  EXPECT_TRUE(peer.session.fetch(kTrack, {3, 5}, {3, 6}).ok());
  EXPECT_TRUE(peer.session.fetch(kTrack, {3, 5}, {3, 0}).ok()) << "the rest of the group";
}

void expect_answered(RawPeer& peer, RequestHandle fetch) {
  const auto accepted = peer.all<FetchAccepted>();
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0].request, fetch);
  EXPECT_FALSE(accepted[0].end_of_track);
  EXPECT_EQ(accepted[0].end, (Location{5, 0}));
  const auto objects = peer.all<FetchObjectReceived>();
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0].fetch, fetch);
  EXPECT_EQ(objects[0].location, (Location{3, 2}));
  EXPECT_EQ(objects[0].subgroup, 7u);
  EXPECT_EQ(objects[0].publisher_priority, 0x81);
  EXPECT_EQ(objects[0].payload_length, 2u);
  EXPECT_EQ(objects[1].location, (Location{3, 3})) << "the prior Object ID plus one";
  EXPECT_EQ(objects[1].subgroup, 7u) << "as before";
  EXPECT_EQ(objects[1].publisher_priority, 0x81);
  EXPECT_EQ(objects[1].extensions.view()[0], 0x02);
  EXPECT_EQ(objects[1].extensions.view()[1], 0x05);
  EXPECT_EQ(objects[2].location, (Location{5, 0}));
  EXPECT_EQ(objects[2].subgroup, 0u);
  EXPECT_EQ(objects[2].status, ObjectStatus::kDoesNotExist);
  std::string payload;
  for (const auto& event : peer.events) {
    base::SharedBytes bytes;
    if (const auto* object = std::get_if<FetchObjectReceived>(&event)) bytes = object->payload;
    if (const auto* more = std::get_if<ObjectPayload>(&event)) {
      EXPECT_EQ(more->subscription, fetch);
      bytes = more->bytes;
    }
    payload.append(bytes.view().begin(), bytes.view().end());
  }
  EXPECT_EQ(payload, "abc");
  const auto ended = peer.all<FetchEnded>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].fetch, fetch);
  EXPECT_TRUE(ended[0].finished);
  EXPECT_TRUE(std::holds_alternative<FetchEnded>(peer.events.back()));
  EXPECT_EQ(peer.session.open_requests(), 0u);
  EXPECT_FALSE(peer.closed);
  EXPECT_TRUE(peer.stopped.empty());
}

// All of group, subgroup, object and priority; then extensions and what follows from before; then a status.
constexpr std::string_view kAnswer = "05 00 | 1f 03 07 02 81 02 6162 | 21 02 0205 01 63 | 0c 05 00 00 01";

// [d15 §5.2-4]
TEST(FetchRequest, IsAnsweredByAMessageAndAStreamInAnyOrder) {
  Fetching answer_first;
  answer_first.peer.control(kFetchOk);
  EXPECT_EQ(answer_first.peer.all<FetchAccepted>().size(), 1u);
  answer_first.peer.stream(3, kAnswer, true);
  expect_answered(answer_first.peer, answer_first.fetch);

  Fetching stream_first;
  stream_first.peer.stream(3, kAnswer, true);
  EXPECT_TRUE(stream_first.peer.all<FetchEnded>().empty()) << "nobody knows yet where it ends";
  EXPECT_EQ(stream_first.peer.session.open_requests(), 1u);
  stream_first.peer.control(kFetchOk);
  expect_answered(stream_first.peer, stream_first.fetch);

  Fetching between;
  between.peer.stream(3, "05 00 | 1f 03 07 02 81 02 61");
  between.peer.control(kFetchOk);
  between.peer.stream(3, "62 | 21 02 0205 01 63 | 0c 05 00 00 01");
  EXPECT_TRUE(between.peer.all<FetchEnded>().empty());
  between.peer.stream(3, "", true);
  expect_answered(between.peer, between.fetch);
}

TEST(FetchRequest, IsReadByteByByte) {
  Fetching fetching;
  fetching.peer.stream_bytewise(3, kAnswer, true);
  fetching.peer.control_bytewise(kFetchOk);
  expect_answered(fetching.peer, fetching.fetch);
}

TEST(FetchRequest, WithoutObjectsHasAnEmptyStream) {
  Fetching fetching;
  fetching.peer.stream(3, "05 00", true);
  fetching.peer.control(kFetchOk);
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_TRUE(fetching.peer.all<FetchEnded>()[0].finished);
}

TEST(FetchRequest, EndsWithItsReset) {
  Fetching fetching;
  fetching.peer.control(kFetchOk);
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 05 61");
  fetching.peer.session.on_uni_stream_reset(fetching.peer.now, 3, 0x0);
  fetching.peer.drain();
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_FALSE(fetching.peer.all<FetchEnded>()[0].finished);
  EXPECT_EQ(fetching.peer.all<FetchEnded>()[0].reset_code, 0u);
  EXPECT_EQ(fetching.peer.session.open_requests(), 0u);
}

// [d15 §5.2-4]
TEST(FetchRequest, EndsWithItsRejectionAndStopsItsStream) {
  Fetching fetching;
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 05 61");
  fetching.peer.control(kRequestError);
  ASSERT_EQ(fetching.peer.all<RequestRejected>().size(), 1u);
  EXPECT_EQ(fetching.peer.all<RequestRejected>()[0].code, 0x10u);
  ASSERT_EQ(fetching.peer.stopped.size(), 1u);
  fetching.peer.stream(3, "62", true);
  EXPECT_TRUE(fetching.peer.all<FetchEnded>().empty());
  EXPECT_EQ(fetching.peer.session.open_requests(), 0u);

  Fetching late;
  late.peer.control(kRequestError);
  late.peer.stream(3, "05 00 | 1c 03 00 80 01 61");
  EXPECT_FALSE(late.peer.closed) << "objects may come although the fetch fails (section 5.2)";
  EXPECT_EQ(late.peer.stopped.size(), 1u);
}

// ---- what a publisher may not do ----

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

// ---- giving it up ----

TEST(CancelledFetch, BeforeItIsSentWasNeverThere) {
  RawPeer peer(Perspective::kClient);
  peer.control("21 0001 00");  // no credit
  peer.sent_control.clear();
  const auto asked = peer.session.fetch(kTrack, {3, 0}, {5, 0});
  ASSERT_TRUE(asked.ok() && peer.session.cancel(*asked).ok());
  peer.drain();
  peer.sent_control.clear();
  peer.control("15 0001 0a");
  EXPECT_TRUE(peer.sent_control.empty());
  EXPECT_EQ(peer.session.open_requests(), 0u);
}

// [d15 §5.2-2, §10.4.4-3]
TEST(CancelledFetch, InEveryState) {
  struct State {
    const char* what;
    std::string_view control;
    std::string_view stream;
    bool fin;
    bool stops;
  };
  const State states[] = {
      {"nothing has come", "", "", false, false},
      {"answered", kFetchOk, "", false, false},
      {"in the stream's header", "", "05", false, false},
      {"the stream is open", "", "05 00", false, true},
      {"in an object", "", "05 00 | 1c 03 00 80 05 61", false, true},
      {"answered, in an object", kFetchOk, "05 00 | 1c 03 00 80 05 61", false, true},
      {"all of the stream has come", "", "05 00 | 1c 03 00 80 01 61", true, false},
  };
  for (const State& state : states) {
    SCOPED_TRACE(state.what);
    Fetching fetching;
    fetching.peer.control(state.control);
    if (!state.stream.empty()) fetching.peer.stream(3, state.stream, state.fin);
    fetching.clear();
    ASSERT_TRUE(fetching.peer.session.cancel(fetching.fetch).ok());
    fetching.peer.drain();
    fetching.expect_cancelled();
    EXPECT_EQ(fetching.peer.stopped.size(), state.stops ? 1u : 0u);
    EXPECT_EQ(fetching.peer.session.cancel(fetching.fetch).error(), SessionError::kUnknownRequest);
    if (state.control.empty()) fetching.peer.control(kFetchOk);
    if (!state.fin && !state.stream.empty())
      fetching.peer.stream(3, state.stream.size() == 2 ? "00 | 1c 03 00 80 01 61" : "62636465");
    fetching.peer.stream(7, "05 00 | 1c 03 00 80 01 61");
    EXPECT_FALSE(fetching.peer.closed) << "what crossed the FETCH_CANCEL";
    EXPECT_TRUE(fetching.peer.events.empty()) << "no event follows";
  }
}

// [d15 §5.2-2]
TEST(CancelledFetch, StoppingItsStreamCancelsIt) {
  Fetching fetching;
  fetching.peer.control(kFetchOk);
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 05 61");
  fetching.clear();
  fetching.peer.session.stop_stream(3, moqt::StreamResetCode::kCancelled);
  fetching.peer.drain();
  fetching.expect_cancelled();
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_FALSE(fetching.peer.all<FetchEnded>()[0].finished);
  ASSERT_EQ(fetching.peer.stopped.size(), 1u);
}

TEST(UnansweredFetch, IsWithdrawn) {
  Fetching fetching;
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 01 61", true);  // the objects alone are no answer
  fetching.clear();
  fetching.peer.advance(61s);
  ASSERT_EQ(fetching.peer.all<RequestRejected>().size(), 1u);
  EXPECT_EQ(fetching.peer.all<RequestRejected>()[0].code, 0x2u) << "TIMEOUT";
  fetching.expect_cancelled();
}

TEST(UnansweredFetch, StreamThatNeverComes) {
  SessionConfig config;
  config.timeouts.fetch_stream = 5s;
  Fetching fetching({}, config);
  fetching.peer.control(kFetchOk);
  fetching.clear();
  fetching.peer.advance(4s);
  EXPECT_TRUE(fetching.peer.events.empty());
  fetching.peer.advance(2s);
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_FALSE(fetching.peer.all<FetchEnded>()[0].finished);
  EXPECT_EQ(fetching.peer.all<FetchEnded>()[0].reset_code, kDeliveryTimeout);
  fetching.expect_cancelled();

  Fetching open({}, config);
  open.peer.control(kFetchOk);
  open.peer.stream(3, "05 00 | 1c 03 00 80 01 61");
  open.peer.advance(600s);
  EXPECT_TRUE(open.peer.all<FetchEnded>().empty()) << "the next object may take its time";
}

TEST(UnansweredFetch, ObjectThatStandsStill) {
  Fetching fetching;
  fetching.peer.control(kFetchOk);
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 05 61");
  fetching.clear();
  fetching.peer.advance(60s);
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_EQ(fetching.peer.all<FetchEnded>()[0].reset_code, kDeliveryTimeout);
  fetching.expect_cancelled();

  Fetching header;
  header.peer.stream(3, "05 00 | 1c 03");
  header.peer.advance(60s);
  EXPECT_EQ(header.peer.close_code(), SessionErrorCode::kDataStreamTimeout);
}

TEST(PausedFetch, HasNoTimeout) {
  Fetching fetching;
  fetching.peer.control(kFetchOk);
  fetching.peer.stream(3, "05 00 | 1c 03 00 80 02 61");
  fetching.peer.session.pause_stream(3);
  fetching.peer.session.pause_stream(3);
  Action action;
  ASSERT_TRUE(fetching.peer.session.poll_action(fetching.peer.now, action));
  ASSERT_TRUE(std::holds_alternative<PauseStream>(action));
  EXPECT_EQ(std::get<PauseStream>(action).stream, 3u);
  EXPECT_FALSE(fetching.peer.session.poll_action(fetching.peer.now, action)) << "it is told once";
  fetching.peer.advance(600s);
  EXPECT_TRUE(fetching.peer.all<FetchEnded>().empty());
  fetching.peer.session.resume_stream(3);
  ASSERT_TRUE(fetching.peer.session.poll_action(fetching.peer.now, action));
  EXPECT_TRUE(std::holds_alternative<ResumeStream>(action));
  fetching.peer.stream(3, "62", true);
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  fetching.peer.session.pause_stream(3);
  EXPECT_FALSE(fetching.peer.session.poll_action(fetching.peer.now, action)) << "it is over";
}

// [d15 §9.4-1]
TEST(FetchRequest, AfterGoawayOnlyWhatRuns) {
  Fetching fetching;
  fetching.peer.control("10 0001 00");
  EXPECT_EQ(fetching.peer.session.fetch(kTrack, {0, 0}, {1, 0}).error(), SessionError::kGoingAway);
  fetching.peer.stream(3, kAnswer, true);
  fetching.peer.control(kFetchOk);
  expect_answered(fetching.peer, fetching.fetch);
}

TEST(FetchStream, MakesRoomLikeAnyOther) {
  SessionConfig config;
  config.limits.max_incoming_streams = 1;
  Fetching fetching({}, config);
  ASSERT_TRUE(fetching.peer.session.subscribe(kTrack).ok());
  fetching.peer.drain();
  fetching.peer.control("04 0003 02 07 00");
  fetching.peer.stream(3, "05 00 | 1c 03 00 ff 01 61");
  fetching.clear();
  fetching.peer.stream(7, "14 07 00 00 80 | 00 01 61");
  ASSERT_EQ(fetching.peer.all<FetchEnded>().size(), 1u);
  EXPECT_EQ(fetching.peer.all<FetchEnded>()[0].reset_code, 0u) << "INTERNAL_ERROR";
  EXPECT_EQ(fetching.peer.sent_control, hex(kFetchCancel));
  EXPECT_EQ(fetching.peer.all<ObjectReceived>().size(), 1u);
}

}  // namespace
}  // namespace msquic_py::testing::fetch_requests
