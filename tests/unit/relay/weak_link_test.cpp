// A subscriber whose link carries less than the track has: it sees whole groups, and none of them late.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using std::chrono::milliseconds;

constexpr std::size_t kObject = 10'000;

/// An object of kObject bytes, its length in the two bytes of a variable-length integer.
base::SharedBytes large_object() {
  base::ByteVector bytes{0, 0x40 | (kObject >> 8), kObject & 0xff};
  bytes.resize(3 + kObject, 'x');
  return base::SharedBytes::copy_of(bytes);
}

/// Lets go of what a session has sent at so many bytes a second.
class WeakLink {
 public:
  explicit WeakLink(RelayClient& client) : side_(client.pair.server) { side_.acknowledge = false; }

  void pass(std::size_t bytes) {
    for (; seen_ < side_.actions.size(); ++seen_) {
      if (const auto* sent = std::get_if<ms::SendStream>(&side_.actions[seen_])) {
        waiting_.emplace_back(sent->stream, sent->slices.bytes());
      }
    }
    while (bytes > 0 && !waiting_.empty()) {
      auto& [stream, left] = waiting_.front();
      const std::size_t now = std::min(left, bytes);
      if (now > 0) side_.session.on_stream_bytes_sent(stream, now);
      bytes -= now;
      left -= now;
      if (left == 0) waiting_.pop_front();
    }
  }

 private:
  PairSide& side_;
  std::size_t seen_ = 0;
  std::deque<std::pair<ms::StreamHandle, std::size_t>> waiting_;
};

/// A publisher and a viewer who has subscribed, over a weak link.
struct Stage {
  explicit Stage(RelayLimits limits = {}) : network(limits) {
    publisher.announce();
    EXPECT_TRUE(viewer.session().subscribe(track_name()).ok());
    network.run();
    publisher.accept();
  }
  static ms::SessionConfig narrow() {
    ms::SessionConfig config;
    config.send_window = 2 * kObject;
    return config;
  }
  void append(ms::StreamHandle stream, std::uint64_t object) {
    EXPECT_TRUE(source.session().append_object(stream, object, large_object(), 1).ok());
  }

  RelayNetwork network;
  RelayClient& source = network.connect();
  RelayClient& viewer = network.connect({}, narrow());
  TestPublisher publisher{network, source};
  WeakLink link{viewer};
};

class WeakLinkTest : public ::testing::Test {
 protected:
  /// What became of a track of ten objects a second, in groups of `per_group`, over a link that carries `percent` of
  /// it.
  struct Outcome {
    std::map<std::uint64_t, std::size_t> groups;  ///< how many objects of each came
    milliseconds latest{0};                       ///< the oldest that the newest object was, after fifteen seconds
  };

  Outcome watch(std::uint64_t per_group, std::size_t percent, milliseconds length, RelayLimits limits = {}) {
    Stage stage(limits);
    auto& [network, source, viewer, publisher, link] = stage;
    Outcome outcome;
    std::optional<moqt::Location> newest;
    std::size_t events = 0;
    ms::StreamHandle stream;
    const auto objects = static_cast<std::uint64_t>(length / milliseconds(100));
    for (std::uint64_t object = 0; object < objects; ++object) {
      const std::uint64_t group = object / per_group;
      if (object % per_group == 0) stream = publisher.open(group);
      stage.append(stream, object % per_group);
      if (object % per_group == per_group - 1) publisher.finish(stream);
      for (int part = 0; part < 4; ++part) {
        network.advance(milliseconds(25));
        link.pass(kObject * percent / 400);
        network.run();
      }
      const auto& seen = viewer.pair.client.events;
      for (; events < seen.size(); ++events) {
        const auto* came = std::get_if<ms::ObjectReceived>(&seen[events]);
        if (came == nullptr) continue;
        ++outcome.groups[came->location.group];
        newest = std::max(newest.value_or(came->location), came->location);
      }
      if (object < 150 || !newest) continue;
      outcome.latest = std::max(
          outcome.latest, milliseconds(100) * static_cast<int>(object - newest->group * per_group - newest->object));
    }
    EXPECT_EQ(viewer.count<ms::SubscriptionDone>(), 0u);
    return outcome;
  }

  static std::size_t whole(const Outcome& outcome, std::uint64_t per_group) {
    return static_cast<std::size_t>(
        std::ranges::count_if(outcome.groups, [&](const auto& entry) { return entry.second == per_group; }));
  }
};

TEST_F(WeakLinkTest, HalfOfTheRateIsHalfOfTheGroupsAndNoneIsLate) {
  const Outcome outcome = watch(10, 50, std::chrono::seconds(60));
  EXPECT_GE(whole(outcome, 10), 24u);
  EXPECT_LE(outcome.latest, std::chrono::seconds(2));
  // What came of a group that was left out is little.
  for (const auto& [group, objects] : outcome.groups)
    EXPECT_TRUE(objects == 10 || objects <= 3 || group < 10 || group >= 57) << group;
}

TEST_F(WeakLinkTest, ALinkThatCarriesAlmostEverythingLosesLittle) {
  const Outcome outcome = watch(10, 90, std::chrono::seconds(60));
  EXPECT_GE(whole(outcome, 10), 48u);
  EXPECT_LE(outcome.latest, milliseconds(2500));
}

TEST_F(WeakLinkTest, AQuarterOfTheRateIsStillLive) {
  const Outcome outcome = watch(10, 25, std::chrono::seconds(60));
  EXPECT_GE(whole(outcome, 10), 10u);
  EXPECT_LE(outcome.latest, std::chrono::seconds(5));
}

TEST_F(WeakLinkTest, WithoutTheLimitItFallsBehindForEver) {
  RelayLimits limits;
  limits.max_queued_time = milliseconds(0);
  const Outcome outcome = watch(10, 50, std::chrono::seconds(40), limits);
  EXPECT_GE(outcome.latest, std::chrono::seconds(15));
}

TEST_F(WeakLinkTest, ALinkThatStopsForAMomentLosesNothing) {
  Stage stage;
  auto& [network, source, viewer, publisher, link] = stage;
  ms::StreamHandle stream;
  for (std::uint64_t object = 0; object < 200; ++object) {
    if (object % 10 == 0) stream = publisher.open(object / 10);
    stage.append(stream, object % 10);
    if (object % 10 == 9) publisher.finish(stream);
    const bool stops = object >= 55 && object < 85;
    for (int part = 0; part < 4; ++part) {
      network.advance(milliseconds(25));
      if (!stops) link.pass(kObject * 2 / 4);
      network.run();
    }
  }
  EXPECT_EQ(network.relay.counters().groups_skipped, 0u);
  EXPECT_EQ(viewer.count<ms::ObjectReceived>(), 200u);
}

TEST_F(WeakLinkTest, WhatComesAtOnceMayWaitForLong) {
  // A publisher without a pace: everything at once, and a link that needs a minute for it.
  Stage stage;
  auto& [network, source, viewer, publisher, link] = stage;
  for (std::uint64_t group = 0; group < 60; ++group) {
    const auto stream = publisher.open(group);
    for (std::uint64_t id = 0; id < 10; ++id) stage.append(stream, id);
    publisher.finish(stream);
    network.advance(milliseconds(10));
  }
  for (int second = 0; second < 59; ++second) {
    for (int part = 0; part < 20; ++part) {
      network.advance(milliseconds(50));
      link.pass(kObject / 2);
      network.run();
    }
  }
  for (int rest = 0; rest < 20; ++rest) {
    link.pass(10 * kObject);
    network.run();
  }
  EXPECT_EQ(network.relay.counters().groups_skipped, 0u);
  EXPECT_EQ(viewer.count<ms::ObjectReceived>(), 600u);
}

}  // namespace
}  // namespace msquic_py::relay
