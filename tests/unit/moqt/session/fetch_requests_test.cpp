// FETCH from the side that asks (sections 5.2, 9.16 to 9.18, 10.4.4).

#include <gtest/gtest.h>

#include "unit/moqt/session/fetching.h"

namespace msquic_py::testing::fetch_requests {
namespace {

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

}  // namespace
}  // namespace msquic_py::testing::fetch_requests
