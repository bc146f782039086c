#include "moqt/objects/taking_pace.h"

#include <gtest/gtest.h>

namespace msquic_py::moqt::objects {
namespace {

using std::chrono::milliseconds;

class TakingPaceTest : public ::testing::Test {
 protected:
  /// So many bytes a second come and are taken, for so long.
  void pass(milliseconds length, std::uint64_t came, std::uint64_t taken) {
    for (milliseconds gone{0}; gone < length; gone += milliseconds(50)) {
      now_ += milliseconds(50);
      came_ += came / 20;
      taken_ += taken / 20;
      pace_.sample(now_, came_, taken_);
    }
  }

  TakingPace pace_;
  session::Time now_{std::chrono::hours(1)};
  std::uint64_t came_ = 0;
  std::uint64_t taken_ = 0;
};

TEST_F(TakingPaceTest, ASecondTells) {
  pass(milliseconds(800), 20'000, 10'000);
  EXPECT_FALSE(pace_.known());
  EXPECT_FALSE(pace_.falls_behind());
  pass(milliseconds(500), 20'000, 10'000);
  EXPECT_TRUE(pace_.known());
  EXPECT_TRUE(pace_.falls_behind());
  EXPECT_NEAR(std::chrono::duration<double>(pace_.time_for(5'000)).count(), 0.5, 0.05);
}

TEST_F(TakingPaceTest, WhatIsOlderThanTwoSecondsIsForgotten) {
  pass(milliseconds(5000), 20'000, 10'000);
  pass(milliseconds(5000), 20'000, 40'000);
  EXPECT_FALSE(pace_.falls_behind());
  EXPECT_LT(pace_.time_for(40'000), milliseconds(1200));
}

TEST_F(TakingPaceTest, ALinkThatStandsStillSaysNothing) {
  pass(milliseconds(3000), 20'000, 10'000);
  pass(milliseconds(600), 20'000, 0);
  EXPECT_FALSE(pace_.known());
  pass(milliseconds(3000), 20'000, 60'000);
  EXPECT_TRUE(pace_.known());
  EXPECT_FALSE(pace_.falls_behind());
}

TEST_F(TakingPaceTest, TimeInWhichNothingWaitsDoesNotCount) {
  pass(milliseconds(1500), 20'000, 10'000);
  pace_.pause();
  now_ += std::chrono::seconds(30);
  came_ = taken_ += 600'000;
  pass(milliseconds(300), 20'000, 10'000);
  EXPECT_TRUE(pace_.falls_behind());
  EXPECT_NEAR(std::chrono::duration<double>(pace_.time_for(5'000)).count(), 0.5, 0.05);
}

TEST_F(TakingPaceTest, WhatIsFarTooMuchIsNotLive) {
  pass(milliseconds(3000), 200'000, 20'000);
  EXPECT_FALSE(pace_.falls_behind());
}

}  // namespace
}  // namespace msquic_py::moqt::objects
