#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "hostile/play.h"
#include "relay/relay_counters.h"

namespace msquic_py::hostile {
namespace {

base::ByteVector bytes_of(std::uint32_t seed) {
  std::mt19937 random(seed);
  base::ByteVector bytes(200 + random() % 2000);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

struct Seeds {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// MSQUIC_PY_HOSTILE_SEEDS=FIRST-LAST plays others than the usual ones, which are a tenth under a sanitizer.
Seeds seeds_to(std::uint32_t last) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  last /= 10;
#endif
  Seeds seeds{0, last};
  if (const char* const text = std::getenv("MSQUIC_PY_HOSTILE_SEEDS"); text != nullptr) {
    EXPECT_EQ(std::sscanf(text, "%u-%u", &seeds.first, &seeds.last), 2) << "FIRST-LAST";
  }
  return seeds;
}

template <class Play>
relay::RelayCounters play_all(const Seeds& seeds, Play play) {
  relay::RelayCounters sum;
  for (std::uint32_t seed = seeds.first; seed <= seeds.last; ++seed) {
    const Played played = play(bytes_of(seed));
    EXPECT_EQ(played.problem, "") << "seed " << seed;
    if (!played.problem.empty()) break;
    sum += played.counters;
  }
  std::cout << "objects: " << sum.objects_received << " received, " << sum.objects_delivered << " delivered, "
            << sum.duplicates_dropped << " duplicates; fetches: " << sum.fetches << ", " << sum.fetch_hits
            << " from the cache; malformed tracks: " << sum.malformed_tracks << '\n';
  return sum;
}

TEST(HostileClients, LeaveNothingBehind) {
  const Seeds seeds = seeds_to(3000);
  const relay::RelayCounters sum = play_all(seeds, play);
  // They do more than to be refused.
  EXPECT_GT(sum.objects_received, seeds.last - seeds.first);
  EXPECT_GT(sum.objects_delivered, (seeds.last - seeds.first) / 10);
  EXPECT_GT(sum.fetches, (seeds.last - seeds.first) / 10);
  EXPECT_GT(sum.duplicates_dropped, 0U);
}

TEST(HostileClients, OfTwoRelaysLeaveNothingBehind) {
  const Seeds seeds = seeds_to(1500);
  const relay::RelayCounters sum = play_all(seeds, play_chain);
  EXPECT_GT(sum.objects_received, seeds.last - seeds.first);
  EXPECT_GT(sum.objects_delivered, (seeds.last - seeds.first) / 10);
  EXPECT_GT(sum.fetches, (seeds.last - seeds.first) / 10);
}

TEST(HostilePeers, OfApplicationsLeaveNothingBehind) { (void)play_all(seeds_to(3000), play_applications); }

}  // namespace
}  // namespace msquic_py::hostile
