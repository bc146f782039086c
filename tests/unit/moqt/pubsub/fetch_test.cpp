// FETCH between two endpoints, answered from what a writer keeps.

#include <gtest/gtest.h>

#include "unit/moqt/pubsub/fetched_track.h"

namespace msquic_py::testing::fetched_track {
namespace {

TEST(PubSubFetch, PastObjectsComeInOrderWithTheirExtensions) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  write_group(*writer, 4, 2);
  const auto block = moqt::session::encode_extension_block(moqt::Draft::k15, {{2, std::uint64_t{77}}});
  const auto group = *writer->begin_group(6);
  ASSERT_TRUE(group->write(shared("x"), *block).ok());
  ASSERT_TRUE(group->begin_object(4).ok());
  ASSERT_TRUE(group->append(shared("in")).ok());
  const auto reader = *pair.client.fetch(kPast, {4, 1}, {6, 0});
  pair.run();
  EXPECT_EQ(reader->state(), FetchReader::State::kAccepted);
  EXPECT_EQ(reader->range_end(), (Location{6, 2})) << "group 6 is not over: its end is the largest object's";
  EXPECT_FALSE(reader->end_of_track());
  ReceivedObject object;
  ASSERT_TRUE(reader->read(object));
  EXPECT_EQ(object.location, (Location{4, 1}));
  ASSERT_TRUE(reader->read(object));
  EXPECT_EQ(object.location, (Location{6, 0}));
  const auto pairs = moqt::session::decode_extension_block(moqt::Draft::k15, object.extensions);
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ((*pairs)[0], (moqt::KeyValuePair{2, std::uint64_t{77}}));
  EXPECT_FALSE(reader->read(object)) << "the last one is still being written";
  ASSERT_TRUE(group->append(shared("to")).ok());
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"6.1=into"});
  ASSERT_TRUE(reader->end());
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kFinished);
  EXPECT_EQ(pair.count<FetchReaderEnded>(pair.client_events), 1u);
}

TEST(PubSubFetch, DatagramsAreFetchedAsWell) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  const auto block = moqt::session::encode_extension_block(moqt::Draft::k15, {{2, std::uint64_t{5}}});
  ASSERT_TRUE(writer->write_datagram({0, 0}, base::as_bytes("a"), *block).ok());
  ASSERT_TRUE(writer->write_datagram({0, 1}, base::as_bytes("b")).ok());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 2});
  pair.run();
  EXPECT_EQ(read_all(*reader), (Strings{"0.0=a", "0.1=b"}));
}

// [d15 §9.16.3-3]
TEST(PubSubFetch, WhatNobodyPublishedIsAnInvalidRange) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  const auto empty = *pair.client.fetch(kPast, {0, 0}, {9, 0});
  pair.run();
  write_group(*writer, 3, 1);
  const auto behind = *pair.client.fetch(kPast, {3, 1}, {9, 0});
  const auto unknown = *pair.client.fetch({TrackNamespace{"a"}, "no"}, {3, 1}, {9, 0});
  pair.run();
  for (const auto& reader : {empty, behind}) {
    ASSERT_TRUE(reader->end());
    EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kRejected);
    EXPECT_EQ(reader->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kInvalidRange));
  }
  ASSERT_TRUE(unknown->end());
  EXPECT_EQ(unknown->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kDoesNotExist));
}

TEST(PubSubFetch, TheEndOfAFinishedTrackIsSaid) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  write_group(*writer, 0, 2);
  write_group(*writer, 1, 1);
  writer->finish();
  const auto all = *pair.client.fetch(kPast, {0, 0}, {50, 0});
  const auto some = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  EXPECT_EQ(read_all(*all), (Strings{"0.0=0", "0.1=1", "1.0=0"}));
  EXPECT_EQ(all->range_end(), (Location{1, 1}));
  EXPECT_TRUE(all->end_of_track());
  EXPECT_EQ(read_all(*some), (Strings{"0.0=0", "0.1=1"}));
  EXPECT_EQ(some->range_end(), (Location{0, 0}));
  EXPECT_FALSE(some->end_of_track());
}

// [d15 §9.16.3-4]
TEST(PubSubFetch, GroupsComeInDescendingOrderWhenAsked) {
  EndpointPair pair;
  const auto writer =
      *pair.server.add_track(kPast, keeping({.bytes = 1 << 24, .groups = 10, .age = std::chrono::seconds(60)}));
  for (const std::uint64_t group : {0, 1, 5}) write_group(*writer, group, 2);
  moqt::MessageParameters parameters;
  parameters.set_group_order(moqt::GroupOrder::kDescending);
  const auto reader = *pair.client.fetch(kPast, {0, 1}, {5, 1}, std::move(parameters));
  pair.run();
  EXPECT_EQ(read_all(*reader), (Strings{"5.0=0", "1.0=0", "1.1=1", "0.1=1"}));
}

// [d15 §9.16.3-5]
TEST(PubSubFetch, WhatIsNotKeptHasAnUnknownStatus) {
  EndpointPair pair;
  const auto writer =
      *pair.server.add_track(kPast, keeping({.bytes = 1 << 24, .groups = 2, .age = std::chrono::seconds(60)}));
  for (std::uint64_t group = 0; group < 4; ++group) write_group(*writer, group, 1);
  const auto gone = *pair.client.fetch(kPast, {1, 0}, {3, 0});
  const auto kept = *pair.client.fetch(kPast, {2, 0}, {3, 0});
  pair.run();
  ASSERT_TRUE(gone->end());
  EXPECT_EQ(gone->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kUnknownStatusInRange));
  EXPECT_EQ(read_all(*kept), (Strings{"2.0=0", "3.0=0"}));
}

TEST(PubSubFetch, ObjectsAgeFromTheTimeThatTheEndpointIsTold) {
  EndpointPair pair;
  const auto writer =
      *pair.server.add_track(kPast, keeping({.bytes = 1 << 24, .groups = 9, .age = std::chrono::seconds(10)}));
  write_group(*writer, 0, 1);
  pair.run();
  pair.sessions.advance(std::chrono::seconds(6));
  write_group(*writer, 1, 1);
  pair.run();
  pair.sessions.advance(std::chrono::seconds(5));
  pair.run();
  const auto gone = *pair.client.fetch(kPast, {0, 0}, {1, 0});
  const auto kept = *pair.client.fetch(kPast, {1, 0}, {1, 0});
  pair.run();
  ASSERT_TRUE(gone->end());
  EXPECT_EQ(gone->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kUnknownStatusInRange));
  EXPECT_EQ(read_all(*kept), Strings{"1.0=0"});
}

TEST(PubSubFetch, WhatWaitsInTheStoreTimesOutFromItsOwnArrival) {
  EndpointPair pair;
  TrackOptions options;
  options.delivery_timeout_ms = 500;
  const auto writer = *pair.server.add_track(kPast, options);
  const auto reader = *pair.client.subscribe(kPast);
  pair.run();
  pair.sessions.server.session.set_send_window(0);
  const auto group = *writer->begin_group(0);
  // More than the session takes at a time: the later ones wait in the store, where nobody looks at them.
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(group->write(shared(std::string(9000, 'x'))).ok());
  pair.run();
  pair.sessions.advance(std::chrono::milliseconds(501));
  ASSERT_TRUE(group->write(shared("young")).ok());
  pair.run();
  pair.sessions.server.session.set_send_window(1 << 20);
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"0.8=young"});
}

TEST(PubSubFetch, AJoinAndItsSubscriptionHaveNoGapAndNothingTwice) {
  for (std::uint32_t moment = 0; moment < 60; ++moment) {
    EndpointPair pair({}, {}, moment + 1);
    const auto writer =
        *pair.server.add_track(kPast, keeping({.bytes = 1 << 24, .groups = 100, .age = std::chrono::seconds(60)}));
    std::shared_ptr<TrackReader> live;
    std::shared_ptr<FetchReader> past;
    std::uint32_t written = 0;
    for (std::uint64_t number = 0; number < 12; ++number) {
      const auto group = *writer->begin_group(number);
      for (int i = 0; i < 5; ++i, ++written) {
        if (written == moment) {
          moqt::MessageParameters parameters;
          parameters.set_filter(moqt::SubscriptionFilter::largest_object());
          live = *pair.client.subscribe(kPast, std::move(parameters));
          past = *pair.client.join(*live, JoiningStart::relative(1));
        }
        ASSERT_TRUE(group->write(shared("x")).ok());
        if (written % 3 == moment % 3) (void)pair.sessions.run();
        if (written % 4 == moment % 4) pair.run();
      }
      group->finish();
    }
    pair.run();
    Strings got = read_all(*past);
    const std::size_t fetched = got.size();
    // Groups have streams of their own, which may overtake each other.
    Strings came = read_all(*live);
    std::sort(came.begin(), came.end(), [](const std::string& left, const std::string& right) {
      const auto place = [](const std::string& text) {
        return std::pair(std::stoi(text), std::stoi(text.substr(text.find('.') + 1)));
      };
      return place(left) < place(right);
    });
    got.insert(got.end(), came.begin(), came.end());
    if (fetched == 0) {
      // Nothing had been published when the subscription began: the join is refused, and everything is live.
      ASSERT_TRUE(past->end());
      EXPECT_EQ(past->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kInvalidRange)) << moment;
      continue;
    }
    const std::uint64_t last = std::stoull(got[fetched - 1]);
    const std::uint64_t first = last == 0 ? 0 : last - 1;
    Strings wanted;
    for (std::uint64_t number = first; number < 12; ++number) {
      for (int i = 0; i < 5; ++i) wanted.push_back(std::to_string(number) + "." + std::to_string(i) + "=x");
    }
    EXPECT_EQ(got, wanted) << "joined after " << moment << " objects";
  }
}

TEST(PubSubFetch, ASlowReaderHoldsThePublisherUpAndLosesNothing) {
  EndpointConfig config;
  config.receive.fetch_queue = 10'000;
  EndpointPair pair(config);
  pair.sessions.server.acknowledge = false;
  const auto writer = *pair.server.add_track(kPast);
  const auto group = *writer->begin_group(0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(group->write(shared(std::string(1000, 'x'))).ok());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  std::size_t most = 0;
  std::size_t acknowledged = 0;
  std::size_t got = 0;
  ReceivedObject object;
  for (int i = 0; i < 3000 && !(reader->end() && reader->available() == 0); ++i) {
    pair.run();
    acknowledge(pair, acknowledged);
    most = std::max(most, reader->queued_bytes());
    if (reader->read(object)) {
      EXPECT_EQ(object.location.object, got++);
    }
  }
  EXPECT_EQ(got, 1000u);
  // What was on its way when the stream was paused, with about 200 bytes of bookkeeping for each object.
  EXPECT_LT(most, 10'000u + 80 * 1024);
  ASSERT_TRUE(reader->end());
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kFinished);
}

TEST(PubSubFetch, ACancelledFetchIsOverOnBothSides) {
  EndpointConfig config;
  config.receive.fetch_queue = 1000;
  EndpointPair pair(config);
  pair.sessions.server.acknowledge = false;
  const auto writer = *pair.server.add_track(kPast);
  const auto group = *writer->begin_group(0);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(group->write(shared(std::string(1000, 'x'))).ok());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  EXPECT_FALSE(reader->end());
  reader->cancel();
  pair.run();
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kCancelled);
  EXPECT_EQ(pair.sessions.server.session.open_requests(), 0u);
  EXPECT_EQ(pair.sessions.client.session.open_requests(), 0u);
}

}  // namespace
}  // namespace msquic_py::testing::fetched_track
