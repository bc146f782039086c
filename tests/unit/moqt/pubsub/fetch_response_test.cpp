// FETCH between two endpoints, answered by the application.

#include <gtest/gtest.h>

#include "unit/moqt/pubsub/fetched_track.h"

namespace msquic_py::testing::fetched_track {
namespace {

EndpointConfig patient() {
  EndpointConfig config;
  config.reject_unknown_tracks = false;
  return config;
}

moqt::session::FetchObject object_at(Location location, std::string_view payload) {
  moqt::session::FetchObject object;
  object.location = location;
  object.payload = shared(payload);
  object.payload_length = payload.size();
  return object;
}

TEST(FetchResponse, TheApplicationAnswersForATrackWithoutAWriter) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {1, 0}, {2, 0});
  pair.run();
  const auto asked = pair.last<FetchRequested>(pair.server_events);
  ASSERT_TRUE(asked.response);
  EXPECT_EQ(asked.writer, nullptr);
  EXPECT_EQ(asked.response->request().track, kPast);
  EXPECT_EQ(asked.response->request().range.start, (Location{1, 0}));
  ASSERT_TRUE(asked.response->write(object_at({1, 3}, "a")).ok());
  moqt::session::FetchObject begun = object_at({2, 0}, "be");
  begun.payload_length = 4;
  ASSERT_TRUE(asked.response->write(begun).ok());
  ASSERT_TRUE(asked.response->append(shared("es")).ok());
  EXPECT_FALSE(asked.response->write(object_at({3, 0}, "beyond")).ok());
  ASSERT_TRUE(asked.response->finish().ok());
  EXPECT_FALSE(asked.response->open());
  EXPECT_FALSE(asked.response->write(object_at({2, 1}, "late")).ok());
  pair.run();
  EXPECT_EQ(read_all(*reader), (Strings{"1.3=a", "2.0=bees"}));
  EXPECT_EQ(reader->range_end(), (Location{2, 0}));
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kFinished);
}

TEST(FetchResponse, TheApplicationIsToldWhenThereIsRoomAgain) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  std::uint64_t next = 0;
  for (std::size_t told = 0; next < 500;) {
    while (response->writable() && next < 500)
      ASSERT_TRUE(response->write(object_at({0, next++}, std::string(1000, 'x'))).ok());
    EXPECT_LT(response->queued_bytes(), 32u * 1024);
    pair.run();
    if (next == 500) break;
    const std::size_t now_told = pair.count<FetchWritable>(pair.server_events);
    ASSERT_GT(now_told, told) << "after " << next;
    told = now_told;
  }
  ASSERT_TRUE(response->finish().ok());
  pair.run();
  EXPECT_EQ(read_all(*reader).size(), 500u);
}

TEST(FetchResponse, TheApplicationRefusesOrForgets) {
  EndpointPair pair({}, patient());
  const auto refused = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  ASSERT_TRUE(pair.last<FetchRequested>(pair.server_events).response->reject(RequestErrorCode::kUnauthorized).ok());
  const auto forgotten = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  pair.server_events.clear();  // the last reference
  pair.run();
  EXPECT_EQ(refused->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kUnauthorized));
  ASSERT_TRUE(forgotten->end());
  EXPECT_EQ(forgotten->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kInternalError));

  const auto broken_off = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  ASSERT_TRUE(response->accept({false, {0, 5}}).ok());
  ASSERT_TRUE(response->write(object_at({0, 0}, "a")).ok());
  pair.run();
  ASSERT_TRUE(response->reject(RequestErrorCode::kInternalError).ok());
  pair.run();
  EXPECT_EQ(broken_off->end()->cause, FetchEnd::Cause::kReset);
  EXPECT_EQ(broken_off->range_end(), (Location{0, 5}));
}

TEST(FetchResponse, AnAnswerThatNobodyWaitsForIsWithdrawn) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  ASSERT_TRUE(response->write(object_at({0, 0}, "a")).ok());
  reader->cancel();
  pair.run();
  EXPECT_EQ(pair.last<FetchWithdrawn>(pair.server_events).response, response);
  EXPECT_FALSE(response->open());
  EXPECT_FALSE(response->finish().ok());
}

TEST(FetchResponse, AWriterThatComesLaterAnswers) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto asked = pair.last<FetchRequested>(pair.server_events);
  const auto writer = *pair.server.add_track(kPast);
  write_group(*writer, 0, 1);
  ASSERT_TRUE(pair.server.answer_fetch(asked.response, writer).ok());
  EXPECT_FALSE(pair.server.answer_fetch(asked.response, writer).ok());
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"0.0=0"});
}

TEST(FetchResponse, TheApplicationAnswersWhatIsNotKept) {
  EndpointPair pair;
  TrackOptions options;
  options.retention.groups = 1;
  options.answers_fetch = true;
  const auto writer = *pair.server.add_track(kPast, options);
  for (std::uint64_t group = 7; group < 9; ++group) write_group(*writer, group, 1);
  const auto kept = *pair.client.fetch(kPast, {8, 0}, {8, 0});
  pair.run();
  EXPECT_EQ(read_all(*kept), Strings{"8.0=0"});
  EXPECT_EQ(pair.count<FetchRequested>(pair.server_events), 0u);
  for (const Location start : {Location{7, 0}, Location{2, 0}}) {  // dropped, and from before this writer's time
    const auto reader = *pair.client.fetch(kPast, start, {8, 0});
    pair.run();
    const auto asked = pair.last<FetchRequested>(pair.server_events);
    EXPECT_EQ(asked.writer, writer);
    ASSERT_TRUE(asked.response->write(object_at(start, "archive")).ok());
    ASSERT_TRUE(asked.response->finish().ok());
    pair.run();
    EXPECT_EQ(read_all(*reader), Strings{std::to_string(start.group) + ".0=archive"});
  }
}

}  // namespace
}  // namespace msquic_py::testing::fetched_track
