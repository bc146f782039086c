// How a FETCH ends before its answer is whole: cancelled, unanswered, crowded out (sections 9.18, 12.1).

#include <gtest/gtest.h>

#include "unit/moqt/session/fetching.h"

namespace msquic_py::testing::fetch_requests {
namespace {

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
