// What must hold at any moment: publishers that end in the middle of an object, subscribers that join anywhere.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;

/// The payload of every object follows from its place, so that publishers of one track agree.
std::string payload_of(std::uint64_t group, std::uint64_t object) {
  return std::string(3 + (group * 7 + object * 5) % 40, static_cast<char>('a' + (group + object) % 26));
}

constexpr std::uint64_t kObjectsPerGroup = 6;

/// Writes the track byte by byte: objects in pieces, groups one after another.
class PiecewisePublisher {
 public:
  PiecewisePublisher(RelayNetwork& network, std::uint32_t seed, std::uint64_t first_group)
      : client(network.connect()), publisher_(network, client), random_(seed), group_(first_group) {
    publisher_.announce();
  }
  RelayClient& client;

  void accept(moqt::MessageParameters parameters = {}) { publisher_.accept(std::move(parameters)); }
  [[nodiscard]] bool subscribed() const { return client.count<ms::SubscribeReceived>() > 0; }
  [[nodiscard]] std::uint64_t group() const noexcept { return group_; }
  [[nodiscard]] bool between_groups() const noexcept { return !stream_; }
  [[nodiscard]] moqt::Location place() const noexcept { return {group_, object_}; }

  /// One small step: a stream is opened, a few bytes of an object are written, a stream is finished.
  void step() {
    ms::Session& session = client.session();
    if (!stream_) {
      ms::SubgroupProperties properties;
      properties.group = group_;
      properties.subgroup = 0;
      properties.end_of_group = true;
      const auto opened = session.open_subgroup(publisher_.subscription, properties);
      ASSERT_TRUE(opened.ok());
      stream_ = *opened;
      object_ = 0;
      left_.clear();
      return;
    }
    if (left_.empty() && object_ == kObjectsPerGroup) {
      ASSERT_TRUE(session.finish_stream(stream_).ok());
      stream_ = {};
      ++group_;
      return;
    }
    if (left_.empty()) {
      left_ = payload_of(group_, object_);
      const base::ByteVector header{0, static_cast<std::uint8_t>(left_.size())};
      ASSERT_TRUE(session.append_object(stream_, object_, base::SharedBytes::copy_of(header), 1, left_.size()).ok());
      return;
    }
    const std::size_t count = std::uniform_int_distribution<std::size_t>(1, left_.size())(random_);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(left_.data());
    ASSERT_TRUE(session.append_payload(stream_, base::SharedBytes::copy_of({bytes, count})).ok());
    left_.erase(0, count);
    if (left_.empty()) ++object_;
  }

 private:
  TestPublisher publisher_;
  std::mt19937 random_;
  std::uint64_t group_;
  std::uint64_t object_ = 0;
  ms::StreamHandle stream_;
  std::string left_;
};

/// Every whole object that came, by place; fails when one comes twice or differs.
std::set<moqt::Location> whole_objects(const RelayClient& client) {
  std::set<moqt::Location> places;
  for (const std::string& line : objects(client)) {
    if (line.ends_with("...")) continue;
    const std::size_t slash = line.find('/');
    const std::size_t space = line.find(' ');
    const moqt::Location place{std::stoull(line.substr(0, slash)),
                               std::stoull(line.substr(slash + 1, space - slash - 1))};
    EXPECT_TRUE(places.insert(place).second) << "twice: " << line;
    EXPECT_EQ(line.substr(space + 1), payload_of(place.group, place.object));
  }
  return places;
}

TEST(RandomMoments, OfTwoPublishersTheOneAheadIsKilledTwoHundredTimes) {
  RelayNetwork network;
  RelayClient& viewer = network.connect();
  std::mt19937 random(11);
  auto one = std::make_unique<PiecewisePublisher>(network, 1, 0);
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network.run();
  one->accept();
  auto two = std::make_unique<PiecewisePublisher>(network, 2, 0);
  two->accept();
  std::uint64_t last_group = 0;
  for (std::uint32_t kill = 0; kill < 200; ++kill) {
    const int steps = std::uniform_int_distribution<int>(1, 60)(random);
    for (int step = 0; step < steps; ++step) {
      (random() % 2 == 0 ? *one : *two).step();
      network.run();
    }
    // Both reach the same group before one ends, so that the other has everything that it lacks.
    if (two->place() > one->place()) std::swap(one, two);
    while (two->group() < one->group()) {
      two->step();
      network.run();
    }
    last_group = one->group();
    network.lose(one->client);
    one = std::make_unique<PiecewisePublisher>(network, 100 + kill, two->group() + 1);
    ASSERT_TRUE(one->subscribed()) << "the relay asks a new publisher for what is wanted";
    moqt::MessageParameters parameters;
    parameters.set_largest_object({two->group(), 0});
    one->accept(std::move(parameters));
  }
  while (two->group() <= last_group) {
    two->step();
    network.run();
  }
  const auto received = whole_objects(viewer);
  for (std::uint64_t group = 0; group < last_group; ++group) {
    for (std::uint64_t object = 0; object < kObjectsPerGroup; ++object) {
      EXPECT_TRUE(received.contains({group, object})) << group << "/" << object << " is missing";
    }
  }
  EXPECT_GT(received.size(), 500u);
  EXPECT_EQ(viewer.count<ms::SubscriptionDone>(), 0u);
}

TEST(RandomMoments, ThousandSubscribersJoinTwoGroupsBackWithoutGapAndWithNothingTwice) {
  RelayNetwork network;
  RelayClient& viewer = network.connect();
  PiecewisePublisher publisher(network, 3, 0);
  ASSERT_TRUE(viewer.session().subscribe(track_name()).ok());
  network.run();
  publisher.accept();
  std::mt19937 random(5);
  for (int step = 0; step < 200; ++step) publisher.step();
  network.run();
  RelayClient& joiner = network.connect();
  for (int join = 0; join < 1000; ++join) {
    const int before = std::uniform_int_distribution<int>(0, 25)(random);
    for (int step = 0; step < before; ++step) publisher.step();
    network.run();
    joiner.pair.client.events.clear();
    moqt::MessageParameters parameters;
    parameters.set_filter(moqt::SubscriptionFilter::largest_object());
    const auto subscription = joiner.session().subscribe(track_name(), std::move(parameters));
    ASSERT_TRUE(subscription.ok());
    ASSERT_TRUE(joiner.session().join(*subscription, ms::JoiningStart::relative(2)).ok());
    const int during = std::uniform_int_distribution<int>(0, 25)(random);
    for (int step = 0; step < during; ++step) {
      publisher.step();
      if (random() % 3 == 0) network.run();
    }
    while (!publisher.between_groups()) publisher.step();
    network.run();

    std::set<moqt::Location> places = whole_objects(joiner);
    const moqt::Location largest = *joiner.only<ms::RequestAccepted>().parameters.largest_object();
    std::size_t fetched = 0;
    for (const auto& object : joiner.all<ms::FetchObjectReceived>()) {
      EXPECT_TRUE(places.insert(object.location).second) << "twice";
      EXPECT_LE(object.location, largest);
      ++fetched;
    }
    EXPECT_TRUE(joiner.only<ms::FetchEnded>().finished);
    const std::uint64_t first = largest.group - 2;
    for (std::uint64_t group = first; group < publisher.group(); ++group) {
      for (std::uint64_t object = 0; object < kObjectsPerGroup; ++object) {
        ASSERT_TRUE(places.contains({group, object})) << group << "/" << object << " is missing at join " << join;
      }
    }
    EXPECT_EQ(places.size(), (publisher.group() - first) * kObjectsPerGroup);
    EXPECT_GT(fetched, 2 * kObjectsPerGroup);
    ASSERT_TRUE(joiner.session().cancel(*subscription).ok());
    network.run();
    network.now += std::chrono::milliseconds(40);
  }
  EXPECT_EQ(publisher.client.count<ms::FetchReceived>(), 0u) << "all of it was in the cache";
}

}  // namespace
}  // namespace msquic_py::relay
