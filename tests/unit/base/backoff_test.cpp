#include "base/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace msquic_py::base {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToTheLongestWait) {
  Backoff backoff({milliseconds(100), milliseconds(1000)}, 1);
  for (const int most : {100, 200, 400, 800, 1000, 1000, 1000}) {
    const auto wait = backoff.next().count();
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
  }
  EXPECT_EQ(backoff.failures(), 7u);
}

TEST(Backoff, BeginsAnewWhenItWorked) {
  Backoff backoff({milliseconds(100), milliseconds(100'000)}, 2);
  for (int failure = 0; failure < 9; ++failure) (void)backoff.next();
  backoff.reset();
  EXPECT_LE(backoff.next(), milliseconds(100));
}

TEST(Backoff, KeepsApartWhoFailedTogether) {
  std::set<milliseconds> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff({milliseconds(1000), milliseconds(1000)}, seed);
    waits.insert(backoff.next());
  }
  EXPECT_GT(waits.size(), 80u);
}

TEST(Backoff, StaysWithinItsLimitsForEver) {
  Backoff backoff({milliseconds(0), milliseconds(-5)}, 3);  // nothing sensible: as short as there is
  for (int failure = 0; failure < 1000; ++failure) EXPECT_LE(backoff.next(), milliseconds(1));
}

TEST(AttemptLimit, DoublesFromASecondUpToTheLongest) {
  constexpr milliseconds kLongest(10'000);
  EXPECT_EQ(attempt_limit(1, kLongest), milliseconds(1000));
  EXPECT_EQ(attempt_limit(2, kLongest), milliseconds(2000));
  EXPECT_EQ(attempt_limit(3, kLongest), milliseconds(4000));
  EXPECT_EQ(attempt_limit(4, kLongest), milliseconds(8000));
  for (const std::uint32_t attempt : {5u, 32u, 33u, 0xffffffffu}) EXPECT_EQ(attempt_limit(attempt, kLongest), kLongest);
}

TEST(AttemptLimit, IsNeverLongerThanTheLongest) {
  EXPECT_EQ(attempt_limit(1, milliseconds(300)), milliseconds(300));
  EXPECT_EQ(attempt_limit(0, milliseconds::max()), milliseconds(1000));
  EXPECT_GT(attempt_limit(100, milliseconds::max()), std::chrono::hours(24));
}

}  // namespace
}  // namespace msquic_py::base
