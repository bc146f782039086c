#include "media/pacer.h"

#include <gtest/gtest.h>

namespace msquic_py::apps {
namespace {

using namespace std::chrono_literals;
const Pacer::Time kNow{100s};

TEST(Pacer, BeginsWithTheFirstTimeWhateverItIs) {
  Pacer pacer;
  EXPECT_EQ(pacer.due(12s, 40ms, kNow), kNow);
  EXPECT_EQ(pacer.due(12040ms, 40ms, kNow + 5s), kNow + 40ms);
}

TEST(Pacer, NothingAddsUp) {
  Pacer pacer;
  (void)pacer.due(0s, 33'333us, kNow);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_EQ(pacer.due(std::chrono::microseconds(33'333) * i, 33'333us, kNow + 1h),
              kNow + std::chrono::microseconds(33'333) * i);
  }
}

TEST(Pacer, AskingAgainChangesNothing) {
  Pacer pacer;
  (void)pacer.due(0s, 40ms, kNow);
  EXPECT_EQ(pacer.due(1h, 40ms, kNow), kNow + 40ms);
  EXPECT_EQ(pacer.due(1h, 40ms, kNow + 3s), kNow + 40ms);
}

TEST(Pacer, AGapIsBridgedAndAPauseKept) {
  Pacer pacer;
  (void)pacer.due(0s, 40ms, kNow);
  EXPECT_EQ(pacer.due(1500ms, 40ms, kNow), kNow + 1500ms);     // a still picture
  EXPECT_EQ(pacer.due(1h, 40ms, kNow), kNow + 1540ms);         // a jump
  EXPECT_EQ(pacer.due(1h + 20ms, 20ms, kNow), kNow + 1560ms);  // of another track
  EXPECT_EQ(pacer.due(1h + 40ms, 40ms, kNow), kNow + 1580ms);
}

TEST(Pacer, ALongFrameIsNoGap) {
  Pacer pacer;
  EXPECT_EQ(pacer.due(0s, 4s, kNow), kNow);
  EXPECT_EQ(pacer.due(4s, 1h, kNow), kNow + 4s);
  EXPECT_EQ(pacer.due(4s + 1h, 40ms, kNow), kNow + 9s);  // nothing lasts an hour: a jump
}

}  // namespace
}  // namespace msquic_py::apps
