#include "media/media_clock.h"

#include <gtest/gtest.h>

namespace msquic_py::apps {
namespace {

using namespace std::chrono_literals;

TEST(MediaClock, LeavesTimesThatGoForwardAlone) {
  MediaClock clock(2);
  for (const auto time : {-80ms, 0ms, 40ms, 3'600'000ms, 3'600'040ms}) EXPECT_EQ(clock.shift_for(0, time, 40ms), 0ms);
  EXPECT_EQ(clock.shift_for(1, 12s, 20ms), 0ms);
}

TEST(MediaClock, DisorderIsNoJump) {
  MediaClock clock(1);
  EXPECT_EQ(clock.shift_for(0, 1s, 40ms), 0ms);
  EXPECT_EQ(clock.shift_for(0, 960ms, 40ms), 0ms);
}

TEST(MediaClock, AJumpBackGoesOnWhereTheMediaHadCome) {
  MediaClock clock(1);
  EXPECT_EQ(clock.shift_for(0, 10s, 40ms), 0ms);
  EXPECT_EQ(clock.shift_for(0, 2s, 40ms), 8040ms);  // 10.04 s
  EXPECT_EQ(clock.shift_for(0, 2040ms, 40ms), 8040ms);
}

TEST(MediaClock, AllStreamsJumpByTheSame) {
  MediaClock clock(2);
  (void)clock.shift_for(0, 10s, 40ms);
  (void)clock.shift_for(1, 10020ms, 20ms);
  EXPECT_EQ(clock.shift_for(0, 0s, 40ms), 10040ms);
  EXPECT_EQ(clock.shift_for(1, 10040ms, 20ms), 0ms);  // still from before the jump
  EXPECT_EQ(clock.shift_for(1, -23ms, 20ms), 10040ms);
  EXPECT_EQ(clock.shift_for(0, 40ms, 40ms), 10040ms);
}

TEST(MediaClock, BegunAgainItGoesOn) {
  MediaClock clock(2);
  (void)clock.shift_for(0, 0s, 40ms);
  (void)clock.shift_for(0, 5s, 40ms);
  clock.begin_again(1);
  EXPECT_EQ(clock.shift_for(0, 0s, 40ms), 5040ms);
  clock.begin_again(1);
  EXPECT_EQ(clock.shift_for(0, 7s, 40ms), 0ms);  // of an encoder that goes on counting
}

}  // namespace
}  // namespace msquic_py::apps
