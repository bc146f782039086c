#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/session_pair.h"
#include "moqt/pubsub/endpoint.h"

// What a publisher can make a subscriber hold.
namespace msquic_py::testing {
namespace {

using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test
using moqt::FullTrackName;
using moqt::TrackNamespace;

const FullTrackName kWatched{TrackNamespace{"a"}, "t"};
const FullTrackName kUnwatched{TrackNamespace{"a"}, "u"};

base::SharedBytes zeros(std::size_t size) { return base::SharedBytes::copy_of(base::as_bytes(std::string(size, 'x'))); }

class ReceiveLimitsTest : public ::testing::Test {
 protected:
  void begin(const ReceiveLimits& limits) {
    EndpointConfig config;
    config.receive = limits;
    client = std::make_unique<Endpoint>(pair.client.session, config);
    pair.establish();
    run();
  }
  void run() {
    for (int i = 0; i < 1000; ++i) {
      bool any = pair.run();
      any |= feed(*client);
      any |= feed(server);
      if (!any) return;
    }
    FAIL() << "the endpoints do not come to rest";
  }
  static bool feed(Endpoint& endpoint) {
    endpoint.drain_session();
    EndpointEvent event;
    bool any = false;
    while (endpoint.poll_event(event)) any = true;
    return any;
  }
  std::pair<std::shared_ptr<TrackWriter>, std::shared_ptr<TrackReader>> open(const FullTrackName& track) {
    const auto writer = server.add_track(track);
    const auto reader = client->subscribe(track);
    run();
    return {*writer, *reader};
  }
  static std::vector<std::uint64_t> groups_of(TrackReader& reader) {
    std::vector<std::uint64_t> groups;
    ReceivedObject object;
    while (reader.read(object)) {
      if (!object.implied) groups.push_back(object.location.group);
    }
    return groups;
  }
  void write(TrackWriter& writer, std::uint64_t number, std::size_t size) {
    const auto group = writer.begin_group(number);
    ASSERT_TRUE((*group)->write(zeros(size)).ok());
    (*group)->finish();
    run();
  }

  SessionPair pair{1, {}, {}, /*collect_events=*/false};
  std::unique_ptr<Endpoint> client;
  Endpoint server{pair.server.session};
};

TEST_F(ReceiveLimitsTest, AnObjectThatIsTooLargeIsSkippedAndCounted) {
  begin({.object = 100});
  const auto [writer, reader] = open(kWatched);
  const auto group = writer->begin_group(0);
  for (const std::size_t size : {100, 101, 5000, 0, 100}) {
    ASSERT_TRUE((*group)->write(zeros(size)).ok());
  }
  (*group)->finish();
  run();
  std::vector<std::pair<std::uint64_t, std::size_t>> got;
  ReceivedObject object;
  while (reader->read(object)) got.emplace_back(object.location.object, object.payload_size);
  // The last one follows from the FIN of a stream that ends its group.
  EXPECT_EQ(got, (std::vector<std::pair<std::uint64_t, std::size_t>>{{0, 100}, {3, 0}, {4, 100}, {5, 0}}));
  EXPECT_EQ(reader->objects_too_large(), 2u);
  EXPECT_EQ(reader->objects_dropped(), 0u);
  EXPECT_FALSE(reader->end());
}

TEST_F(ReceiveLimitsTest, AnAnnouncedLengthAloneTakesNothing) {
  begin({});
  const auto [writer, reader] = open(kWatched);
  const auto group = writer->begin_group(0);
  ASSERT_TRUE((*group)->begin_object(std::uint64_t{1} << 61).ok());
  ASSERT_TRUE((*group)->append(zeros(10)).ok());
  run();
  EXPECT_EQ(reader->objects_too_large(), 1u);
  write(*writer, 1, 3);
  EXPECT_EQ(groups_of(*reader), std::vector<std::uint64_t>{1});
}

TEST_F(ReceiveLimitsTest, ObjectsThatStayIncompleteAreBounded) {
  begin({.reader_queue = 5000, .object = 1000});
  const auto [writer, reader] = open(kWatched);
  std::vector<std::shared_ptr<GroupWriter>> groups;
  for (std::uint64_t number = 0; number < 20; ++number) {
    groups.push_back(*writer->begin_group(number));
    ASSERT_TRUE(groups.back()->begin_object(1000).ok());
    ASSERT_TRUE(groups.back()->append(zeros(900)).ok());
    run();
  }
  EXPECT_EQ(reader->objects_dropped(), 15u) << "five of 900 bytes have room";
  for (const auto& group : groups) {
    ASSERT_TRUE(group->append(zeros(100)).ok());
    group->finish();
    run();
    ReceivedObject object;
    while (reader->read(object)) {
      EXPECT_TRUE(object.implied || object.location.group < 5u);
    }
  }
  EXPECT_EQ(reader->objects_dropped(), 15u) << "what has room again is taken";
}

TEST_F(ReceiveLimitsTest, TheOldestOfWhatNobodyReadsGoFirst) {
  begin({.reader_queue = 10'000});
  const auto [writer, reader] = open(kWatched);
  for (std::uint64_t number = 0; number < 50; ++number) write(*writer, number, 1000);
  EXPECT_LE(reader->queued_bytes(), 10'000u);
  const auto dropped = reader->objects_dropped();
  EXPECT_GT(dropped, 40u);
  const auto groups = groups_of(*reader);
  EXPECT_EQ(groups.size() + dropped, 50u);
  EXPECT_EQ(groups.front(), dropped);
  EXPECT_EQ(groups.back(), 49u);
}

TEST_F(ReceiveLimitsTest, TheNewestObjectStaysHoweverLarge) {
  begin({.reader_queue = 100});
  const auto [writer, reader] = open(kWatched);
  for (std::uint64_t number = 0; number < 3; ++number) write(*writer, number, 50'000);
  EXPECT_EQ(groups_of(*reader), std::vector<std::uint64_t>{2});
  EXPECT_EQ(reader->objects_dropped(), 2u);
}

TEST_F(ReceiveLimitsTest, ObjectsWithoutPayloadCount) {
  begin({.reader_queue = 10'000});
  const auto [writer, reader] = open(kWatched);
  const auto group = writer->begin_group(0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE((*group)->write(zeros(0)).ok());
  run();
  EXPECT_LE(reader->available() * sizeof(ReceivedObject), 10'000u);
  EXPECT_EQ(reader->available() + reader->objects_dropped(), 1000u);
}

TEST_F(ReceiveLimitsTest, ATrackThatNobodyReadsCostsItsOwnObjectsOnly) {
  begin({.session = 20'000});
  const auto [unread_writer, unread] = open(kWatched);
  const auto [writer, reader] = open(kUnwatched);
  std::vector<std::uint64_t> got;
  for (std::uint64_t number = 0; number < 50; ++number) {
    write(*unread_writer, number, 1000);
    write(*writer, number, 1000);
    for (const auto group : groups_of(*reader)) got.push_back(group);
  }
  EXPECT_EQ(got.size(), 50u);
  EXPECT_EQ(reader->objects_dropped(), 0u);
  EXPECT_LE(unread->queued_bytes(), 20'000u);
  EXPECT_GT(unread->objects_dropped(), 30u);
}

TEST_F(ReceiveLimitsTest, ManyReadersTogetherAreBounded) {
  begin({.session = 20'000});
  std::vector<std::shared_ptr<TrackReader>> readers;
  for (int i = 0; i < 20; ++i) {
    const auto [writer, reader] = open({TrackNamespace{"a"}, "t" + std::to_string(i)});
    readers.push_back(reader);
    for (std::uint64_t number = 0; number < 3; ++number) write(*writer, number, 1000);
  }
  std::size_t held = 0;
  for (const auto& reader : readers) held += reader->queued_bytes();
  EXPECT_LE(held, 20'000u);
  EXPECT_GT(held, 10'000u);
}

}  // namespace
}  // namespace msquic_py::testing
