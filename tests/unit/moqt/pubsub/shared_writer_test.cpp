// One writer for several sessions.

#include <gtest/gtest.h>

#include "unit/moqt/pubsub/fetched_track.h"

namespace msquic_py::testing::fetched_track {
namespace {

// [d15 §9.2-4]
TEST(SharedWriter, OneWriterServesTwoSessionsAndOutlivesThem) {
  const auto writer = std::make_shared<TrackWriter>(kPast);
  int woken = 0;
  EndpointConfig waking;
  waking.wake = [&woken] { ++woken; };
  auto first = std::make_unique<EndpointPair>(EndpointConfig{}, waking, 1);
  EndpointPair second({}, waking, 2);
  second.sessions.server.reset_loses = false;  // what has been acknowledged reaches the reader
  ASSERT_TRUE(first->server.add_track(writer).ok());
  ASSERT_TRUE(second.server.add_track(writer).ok());
  EXPECT_FALSE(second.server.add_track(writer).ok());
  const auto one = *first->client.subscribe(kPast);
  const auto two = *second.client.subscribe(kPast);
  first->run();
  second.run();
  EXPECT_EQ(writer->subscribers(), 2u);
  woken = 0;
  const auto group = *writer->begin_group(0);
  ASSERT_TRUE(group->write(shared("both")).ok());
  EXPECT_GE(woken, 2) << "neither session is in its own turn";
  first->run();
  second.run();
  EXPECT_EQ(read_all(*one), Strings{"0.0=both"});
  EXPECT_EQ(read_all(*two), Strings{"0.0=both"});
  first.reset();
  EXPECT_EQ(writer->subscribers(), 1u);
  ASSERT_TRUE(group->write(shared("one")).ok());
  second.server.remove_track(kPast);
  second.run();
  EXPECT_EQ(read_all(*two), Strings{"0.1=one"});
  EXPECT_FALSE(writer->finished()) << "other sessions may have it";
  EXPECT_TRUE(group->write(shared("nobody")).ok());
}

// [d15 §10.4.3-5]
TEST(SharedWriter, AGroupThatIsGivenUpDropsWhatWaits) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  const auto reader = *pair.client.subscribe(kPast);
  pair.run();
  pair.sessions.server.session.set_send_window(0);
  const auto group = *writer->begin_group(0);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(group->write(shared(std::string(9000, 'x'))).ok());
  EXPECT_GT(writer->queued_bytes(), 100'000u);
  group->reset(moqt::StreamResetCode::kCancelled);
  EXPECT_EQ(writer->queued_bytes(), 0u);
  pair.sessions.server.session.set_send_window(1 << 20);
  write_group(*writer, 1, 1);
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"1.0=0"});
}

}  // namespace
}  // namespace msquic_py::testing::fetched_track
