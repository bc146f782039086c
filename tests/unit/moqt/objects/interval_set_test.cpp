#include "moqt/objects/interval_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <vector>

namespace msquic_py::moqt::objects {
namespace {

using Intervals = std::vector<IntervalSet::Interval>;

TEST(IntervalSetTest, RunsThatTouchBecomeOne) {
  IntervalSet set;
  set.add(5);
  set.add(7);
  EXPECT_EQ(set.intervals(), (Intervals{{5, 5}, {7, 7}}));
  set.add(6);
  EXPECT_EQ(set.intervals(), (Intervals{{5, 7}}));
  set.add(0, 3);
  EXPECT_EQ(set.intervals(), (Intervals{{0, 3}, {5, 7}}));
  set.add(2, 20);
  EXPECT_EQ(set.intervals(), (Intervals{{0, 20}}));
}

TEST(IntervalSetTest, AnEmptyRunAddsNothing) {
  IntervalSet set;
  set.add(4, 3);
  EXPECT_TRUE(set.empty());
}

TEST(IntervalSetTest, TheLargestNumberHasNoneBehindIt) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  IntervalSet set;
  set.add(kMax);
  set.add(kMax - 1);
  set.add(0);
  EXPECT_EQ(set.intervals(), (Intervals{{0, 0}, {kMax - 1, kMax}}));
  EXPECT_TRUE(set.contains(kMax));
}

TEST(IntervalSetTest, RemovingSplits) {
  IntervalSet set;
  set.add(1, 5);
  set.remove(3);
  EXPECT_EQ(set.intervals(), (Intervals{{1, 2}, {4, 5}}));
  set.remove(1);
  set.remove(5);
  set.remove(9);
  EXPECT_EQ(set.intervals(), (Intervals{{2, 2}, {4, 4}}));
  set.remove(2);
  EXPECT_EQ(set.intervals(), (Intervals{{4, 4}}));
}

TEST(IntervalSetTest, KeepsTheHighestRuns) {
  IntervalSet set;
  for (std::uint64_t value = 0; value < 10; value += 2) set.add(value);
  set.keep_highest(2);
  EXPECT_EQ(set.intervals(), (Intervals{{6, 6}, {8, 8}}));
}

TEST(IntervalSetTest, AgreesWithASetOfNumbers) {
  std::mt19937 random(7);
  IntervalSet set;
  std::set<std::uint64_t> numbers;
  for (int step = 0; step < 2000; ++step) {
    const std::uint64_t first = random() % 200;
    if (random() % 3 == 0) {
      set.remove(first);
      numbers.erase(first);
    } else {
      const std::uint64_t last = first + random() % 6;
      set.add(first, last);
      for (std::uint64_t value = first; value <= last; ++value) numbers.insert(value);
    }
    std::uint64_t count = 0;
    for (const auto& [from, to] : set.intervals()) count += to - from + 1;
    ASSERT_EQ(count, numbers.size());
    for (std::uint64_t value = 0; value < 210; ++value) ASSERT_EQ(set.contains(value), numbers.contains(value));
  }
}

}  // namespace
}  // namespace msquic_py::moqt::objects
