#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "simulation/script.h"
#include "simulation/shrink.h"
#include "simulation/world.h"

// The simulation itself: that it can fail, that it does the same again, that it finds the steps that matter.
namespace msquic_py::simulation {
namespace {

TEST(Simulation, FindsASendThatTheCarrierLost) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Script script = make_script(seed);
    if (script.stream_limit < 1024) continue;  // there a lost stream may be one that had to make room
    World world(script);
    world.lose_send(5);
    if (!world.run().faults.empty()) ++found;
  }
  EXPECT_GE(found, 10u) << "in most of these runs somebody reads what was in the fifth send";
}

TEST(Simulation, FindsASendThatARelayLostOnItsWayDown) {
  for (const std::uint64_t lost : {5, 40}) {
    std::size_t found = 0;
    std::size_t hidden = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const Script script = make_script(seed, {.chain = 3});
      if (script.stream_limit < 1024) continue;
      const Outcome usual = World(script).run();
      World world(script);
      world.lose_hop_send(lost);
      const Outcome outcome = world.run();
      if (!outcome.faults.empty()) {
        ++found;
      } else if (outcome.received < usual.received) {
        ++hidden;  // otherwise everybody has had what was to come: the link was cut later, and what was missing fetched
      }
    }
    EXPECT_GE(found, 17u) << "the send " << lost;
    EXPECT_LE(hidden, 5u) << "the send " << lost;
  }
}

TEST(Simulation, DoesTheSameAgainWithTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Script script = make_script(seed);
    const Outcome first = World(script).run();
    const Outcome second = World(make_script(seed)).run();
    EXPECT_EQ(first.received, second.received) << seed;
    EXPECT_EQ(first.excused, second.excused) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
  }
}

TEST(Simulation, SpeaksEachDraftWithEachOtherOnBothSidesOfARelay) {
  std::set<std::tuple<moqt::Draft, moqt::Draft, moqt::Draft>> met;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const Script script = make_script(seed, {.several_drafts = true, .chain = 2});
    for (std::size_t publisher = 0; publisher < script.publishers; ++publisher) {
      for (std::size_t subscriber = script.publishers; subscriber < script.clients(); ++subscriber) {
        met.emplace(script.drafts[publisher], script.hops.front().draft, script.drafts[subscriber]);
      }
    }
  }
  EXPECT_EQ(met.size(), std::size_t{4 * 4 * 4});
}

TEST(Simulation, HasScriptsThatDifferFromSeedToSeed) {
  EXPECT_NE(describe_setting(make_script(1)), describe_setting(make_script(2)));
}

TEST(Shrink, KeepsTheStepsThatMatter) {
  std::size_t runs = 0;
  const auto kept = shrink(100, [&](const std::vector<std::size_t>& keep) {
    ++runs;
    return std::find(keep.begin(), keep.end(), 17) != keep.end() &&
           std::find(keep.begin(), keep.end(), 60) != keep.end();
  });
  EXPECT_EQ(kept, (std::vector<std::size_t>{17, 60}));
  EXPECT_LT(runs, 100u);
}

TEST(Shrink, KeepsEverythingOfWhatFailsOnlyWhole) {
  const auto kept = shrink(8, [](const std::vector<std::size_t>& keep) { return keep.size() == 8; });
  EXPECT_EQ(kept.size(), 8u);
}

}  // namespace
}  // namespace msquic_py::simulation
