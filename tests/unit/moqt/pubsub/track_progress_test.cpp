// What a subscriber has of a track over several sessions.

#include "moqt/pubsub/track_progress.h"

#include <gtest/gtest.h>

namespace msquic_py::testing {
namespace {

using moqt::Location;
using moqt::pubsub::TrackProgress;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TrackProgressTest : public ::testing::Test {
 protected:
  bool take(std::uint64_t group, std::uint64_t object) { return progress_.take({group, object}, now_); }
  void take_group(std::uint64_t group, std::uint64_t objects) {
    for (std::uint64_t object = 0; object < objects; ++object) EXPECT_TRUE(take(group, object));
    progress_.end_group({group, objects}, now_);
  }
  Location floor() { return progress_.floor(now_); }

  moqt::session::Time now_{std::chrono::hours(1)};
  TrackProgress progress_;
};

TEST_F(TrackProgressTest, NothingComesTwice) {
  EXPECT_TRUE(take(3, 0));
  EXPECT_TRUE(take(3, 2));
  EXPECT_FALSE(take(3, 0));
  EXPECT_TRUE(take(3, 1));
  EXPECT_FALSE(take(3, 2));
  EXPECT_EQ(progress_.repeated(), 2u);
  EXPECT_EQ(progress_.largest(), (Location{3, 2}));
}

TEST_F(TrackProgressTest, TheFloorIsBehindWhatCameInOrder) {
  progress_.pass({5, 0});
  take_group(5, 3);
  EXPECT_EQ(floor(), (Location{6, 0}));
  EXPECT_TRUE(take(6, 0));
  EXPECT_TRUE(take(6, 1));
  EXPECT_EQ(floor(), (Location{6, 2}));
  EXPECT_FALSE(take(5, 1));  // it is settled
}

TEST_F(TrackProgressTest, AGroupWithoutAnEndMayLackMore) {
  take_group(0, 2);
  EXPECT_TRUE(take(1, 0));  // the end of group 1 is not known
  take_group(2, 1);
  EXPECT_EQ(floor(), (Location{1, 1}));
}

TEST_F(TrackProgressTest, AGapBetweenObjectsIsAskedFor) {
  EXPECT_TRUE(take(0, 0));
  EXPECT_TRUE(take(0, 4));
  EXPECT_EQ(floor(), (Location{0, 1}));
  progress_.pass({0, 4});
  EXPECT_EQ(floor(), (Location{0, 5}));
}

TEST_F(TrackProgressTest, WhatHasBeenMissingForLongIsSettled) {
  take_group(0, 1);
  EXPECT_TRUE(take(1, 0));  // and the rest of group 1, and group 2, never come
  take_group(3, 1);
  now_ += TrackProgress::kPatience - milliseconds(1);
  EXPECT_EQ(floor(), (Location{1, 1}));
  now_ += milliseconds(1);
  EXPECT_EQ(floor(), (Location{4, 0}));
}

TEST_F(TrackProgressTest, AGroupThatIsStillComingIsWaitedFor) {
  EXPECT_TRUE(take(0, 0));
  EXPECT_TRUE(take(1, 0));
  now_ += seconds(9);
  EXPECT_TRUE(take(0, 2));  // 0.1 is missing, and group 0 still alive
  now_ += seconds(9);
  EXPECT_EQ(floor(), (Location{0, 1}));
  now_ += seconds(1);
  EXPECT_EQ(floor(), (Location{1, 1}));
}

TEST_F(TrackProgressTest, WithoutAClockNothingIsGivenUp) {
  now_ = {};
  EXPECT_TRUE(take(0, 1));
  take_group(9, 1);
  EXPECT_EQ(floor(), (Location{0, 0}));
}

TEST_F(TrackProgressTest, AGroupWithManyGapsCostsNoMore) {
  for (std::uint64_t object = 1; object < 2 * 4 * TrackProgress::kMostGaps; object += 2) EXPECT_TRUE(take(0, object));
  const Location floor = progress_.floor();
  EXPECT_GT(floor.object, 2 * 2 * TrackProgress::kMostGaps);
  EXPECT_FALSE(take(0, 2));  // given up
}

TEST_F(TrackProgressTest, ATrackThatBeginsAnewIsTakenAnew) {
  take_group(7, 5);
  progress_.restart({0, 0});
  EXPECT_TRUE(take(0, 0));
  EXPECT_EQ(progress_.largest(), (Location{0, 0}));
}

}  // namespace
}  // namespace msquic_py::testing
