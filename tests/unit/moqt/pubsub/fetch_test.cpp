#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unit/moqt/pubsub/endpoint_pair.h"

// FETCH between two endpoints: answered from what a writer keeps, or by the application.
namespace msquic_py::testing {
namespace {

using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test
using moqt::FullTrackName;
using moqt::Location;
using moqt::RequestErrorCode;
using moqt::TrackNamespace;
using moqt::session::JoiningStart;
using Strings = std::vector<std::string>;

const FullTrackName kPast{TrackNamespace{"a"}, "t"};

TrackOptions keeping(moqt::objects::Retention retention) {
  TrackOptions options;
  options.retention = retention;
  return options;
}

void write_group(TrackWriter& writer, std::uint64_t number, std::size_t objects) {
  const auto group = *writer.begin_group(number);
  for (std::size_t i = 0; i < objects; ++i) ASSERT_TRUE(group->write(shared(std::to_string(i))).ok());
  group->finish();
}

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

/// Lets go of what the transport has of the publisher's streams, as a peer does that reads: not while it has paused
/// one.
void acknowledge(EndpointPair& pair, std::size_t& acknowledged) {
  PairSide& publisher = pair.sessions.server;
  for (const InFlightStream& stream : publisher.streams) {
    if (stream.paused) return;
  }
  const auto sent = publisher.done<ms::SendStream>();
  for (; acknowledged < sent.size(); ++acknowledged) {
    publisher.session.on_stream_bytes_sent(sent[acknowledged].stream, sent[acknowledged].slices.bytes());
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

// ---- answered by the application ----

EndpointConfig patient() {
  EndpointConfig config;
  config.reject_unknown_tracks = false;
  return config;
}

moqt::session::FetchObject object_at(Location location, std::string_view payload) {
  moqt::session::FetchObject object;
  object.location = location;
  object.payload = shared(payload);
  object.payload_length = payload.size();
  return object;
}

TEST(PubSubFetch, TheApplicationAnswersForATrackWithoutAWriter) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {1, 0}, {2, 0});
  pair.run();
  const auto asked = pair.last<FetchRequested>(pair.server_events);
  ASSERT_TRUE(asked.response);
  EXPECT_EQ(asked.writer, nullptr);
  EXPECT_EQ(asked.response->request().track, kPast);
  EXPECT_EQ(asked.response->request().range.start, (Location{1, 0}));
  ASSERT_TRUE(asked.response->write(object_at({1, 3}, "a")).ok());
  moqt::session::FetchObject begun = object_at({2, 0}, "be");
  begun.payload_length = 4;
  ASSERT_TRUE(asked.response->write(begun).ok());
  ASSERT_TRUE(asked.response->append(shared("es")).ok());
  EXPECT_FALSE(asked.response->write(object_at({3, 0}, "beyond")).ok());
  ASSERT_TRUE(asked.response->finish().ok());
  EXPECT_FALSE(asked.response->open());
  EXPECT_FALSE(asked.response->write(object_at({2, 1}, "late")).ok());
  pair.run();
  EXPECT_EQ(read_all(*reader), (Strings{"1.3=a", "2.0=bees"}));
  EXPECT_EQ(reader->range_end(), (Location{2, 0}));
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kFinished);
}

TEST(PubSubFetch, TheApplicationIsToldWhenThereIsRoomAgain) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  std::uint64_t next = 0;
  for (std::size_t told = 0; next < 500;) {
    while (response->writable() && next < 500)
      ASSERT_TRUE(response->write(object_at({0, next++}, std::string(1000, 'x'))).ok());
    EXPECT_LT(response->queued_bytes(), 32u * 1024);
    pair.run();
    if (next == 500) break;
    const std::size_t now_told = pair.count<FetchWritable>(pair.server_events);
    ASSERT_GT(now_told, told) << "after " << next;
    told = now_told;
  }
  ASSERT_TRUE(response->finish().ok());
  pair.run();
  EXPECT_EQ(read_all(*reader).size(), 500u);
}

TEST(PubSubFetch, TheApplicationRefusesOrForgets) {
  EndpointPair pair({}, patient());
  const auto refused = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  ASSERT_TRUE(pair.last<FetchRequested>(pair.server_events).response->reject(RequestErrorCode::kUnauthorized).ok());
  const auto forgotten = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  pair.server_events.clear();  // the last reference
  pair.run();
  EXPECT_EQ(refused->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kUnauthorized));
  ASSERT_TRUE(forgotten->end());
  EXPECT_EQ(forgotten->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kInternalError));

  const auto broken_off = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  ASSERT_TRUE(response->accept({false, {0, 5}}).ok());
  ASSERT_TRUE(response->write(object_at({0, 0}, "a")).ok());
  pair.run();
  ASSERT_TRUE(response->reject(RequestErrorCode::kInternalError).ok());
  pair.run();
  EXPECT_EQ(broken_off->end()->cause, FetchEnd::Cause::kReset);
  EXPECT_EQ(broken_off->range_end(), (Location{0, 5}));
}

TEST(PubSubFetch, AnAnswerThatNobodyWaitsForIsWithdrawn) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto response = pair.last<FetchRequested>(pair.server_events).response;
  ASSERT_TRUE(response->write(object_at({0, 0}, "a")).ok());
  reader->cancel();
  pair.run();
  EXPECT_EQ(pair.last<FetchWithdrawn>(pair.server_events).response, response);
  EXPECT_FALSE(response->open());
  EXPECT_FALSE(response->finish().ok());
}

TEST(PubSubFetch, AWriterThatComesLaterAnswers) {
  EndpointPair pair({}, patient());
  const auto reader = *pair.client.fetch(kPast, {0, 0}, {0, 0});
  pair.run();
  const auto asked = pair.last<FetchRequested>(pair.server_events);
  const auto writer = *pair.server.add_track(kPast);
  write_group(*writer, 0, 1);
  ASSERT_TRUE(pair.server.answer_fetch(asked.response, writer).ok());
  EXPECT_FALSE(pair.server.answer_fetch(asked.response, writer).ok());
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"0.0=0"});
}

TEST(PubSubFetch, TheApplicationAnswersWhatIsNotKept) {
  EndpointPair pair;
  TrackOptions options;
  options.retention.groups = 1;
  options.answers_fetch = true;
  const auto writer = *pair.server.add_track(kPast, options);
  for (std::uint64_t group = 7; group < 9; ++group) write_group(*writer, group, 1);
  const auto kept = *pair.client.fetch(kPast, {8, 0}, {8, 0});
  pair.run();
  EXPECT_EQ(read_all(*kept), Strings{"8.0=0"});
  EXPECT_EQ(pair.count<FetchRequested>(pair.server_events), 0u);
  for (const Location start : {Location{7, 0}, Location{2, 0}}) {  // dropped, and from before this writer's time
    const auto reader = *pair.client.fetch(kPast, start, {8, 0});
    pair.run();
    const auto asked = pair.last<FetchRequested>(pair.server_events);
    EXPECT_EQ(asked.writer, writer);
    ASSERT_TRUE(asked.response->write(object_at(start, "archive")).ok());
    ASSERT_TRUE(asked.response->finish().ok());
    pair.run();
    EXPECT_EQ(read_all(*reader), Strings{std::to_string(start.group) + ".0=archive"});
  }
}

// ---- one writer for several sessions ----

// [d15 §9.2-4]
TEST(PubSubFetch, OneWriterServesTwoSessionsAndOutlivesThem) {
  const auto writer = std::make_shared<TrackWriter>(kPast);
  int woken = 0;
  EndpointConfig waking;
  waking.wake = [&woken] { ++woken; };
  auto first = std::make_unique<EndpointPair>(EndpointConfig{}, waking, 1);
  EndpointPair second({}, waking, 2);
  ASSERT_TRUE(first->server.add_track(writer).ok());
  ASSERT_TRUE(second.server.add_track(writer).ok());
  EXPECT_FALSE(second.server.add_track(writer).ok());
  const auto one = *first->client.subscribe(kPast);
  const auto two = *second.client.subscribe(kPast);
  first->run();
  second.run();
  EXPECT_EQ(writer->subscribers(), 2u);
  woken = 0;
  const auto group = *writer->begin_group(0);
  ASSERT_TRUE(group->write(shared("both")).ok());
  EXPECT_GE(woken, 2) << "neither session is in its own turn";
  first->run();
  second.run();
  EXPECT_EQ(read_all(*one), Strings{"0.0=both"});
  EXPECT_EQ(read_all(*two), Strings{"0.0=both"});
  first.reset();
  EXPECT_EQ(writer->subscribers(), 1u);
  ASSERT_TRUE(group->write(shared("one")).ok());
  second.server.remove_track(kPast);
  second.run();
  EXPECT_EQ(read_all(*two), Strings{"0.1=one"});
  EXPECT_FALSE(writer->finished()) << "other sessions may have it";
  EXPECT_TRUE(group->write(shared("nobody")).ok());
}

// [d15 §10.4.3-5]
TEST(PubSubFetch, AGroupThatIsGivenUpDropsWhatWaits) {
  EndpointPair pair;
  const auto writer = *pair.server.add_track(kPast);
  const auto reader = *pair.client.subscribe(kPast);
  pair.run();
  pair.sessions.server.session.set_send_window(0);
  const auto group = *writer->begin_group(0);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(group->write(shared(std::string(9000, 'x'))).ok());
  EXPECT_GT(writer->queued_bytes(), 100'000u);
  group->reset(moqt::StreamResetCode::kCancelled);
  EXPECT_EQ(writer->queued_bytes(), 0u);
  pair.sessions.server.session.set_send_window(1 << 20);
  write_group(*writer, 1, 1);
  pair.run();
  EXPECT_EQ(read_all(*reader), Strings{"1.0=0"});
}

}  // namespace
}  // namespace msquic_py::testing
