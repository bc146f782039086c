#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "hostile/play.h"

namespace msquic_py::hostile {
namespace {

base::ByteVector bytes_of(std::uint32_t seed) {
  std::mt19937 random(seed);
  base::ByteVector bytes(200 + random() % 2000);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// MSQUIC_PY_HOSTILE_SEEDS=FIRST-LAST plays others than the usual ones.
TEST(HostileClients, LeaveNothingBehind) {
  std::uint32_t first = 0;
  std::uint32_t last = 3000;
  if (const char* const seeds = std::getenv("MSQUIC_PY_HOSTILE_SEEDS"); seeds != nullptr) {
    ASSERT_EQ(std::sscanf(seeds, "%u-%u", &first, &last), 2) << "FIRST-LAST";
  }
  relay::RelayCounters sum;
  for (std::uint32_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Played played = play(bytes_of(seed));
    ASSERT_EQ(played.problem, "");
    sum += played.counters;
  }
  // They do more than to be refused.
  EXPECT_GT(sum.objects_received, last - first);
  EXPECT_GT(sum.objects_delivered, (last - first) / 10);
  EXPECT_GT(sum.fetches, (last - first) / 10);
  EXPECT_GT(sum.duplicates_dropped, 0U);
  std::cout << "objects: " << sum.objects_received << " received, " << sum.objects_delivered << " delivered, "
            << sum.duplicates_dropped << " duplicates; fetches: " << sum.fetches << ", " << sum.fetch_hits
            << " from the cache; malformed tracks: " << sum.malformed_tracks << '\n';
}

}  // namespace
}  // namespace msquic_py::hostile
