// What an endpoint has to do when time passes and nothing else happens.

#include <gtest/gtest.h>

#include <string>

#include "unit/moqt/pubsub/endpoint_pair.h"

namespace msquic_py::testing {
namespace {

using moqt::FullTrackName;
using moqt::TrackNamespace;
using namespace moqt::pubsub;  // NOLINT(google-build-using-namespace): the classes under test

const FullTrackName kKeptTrack{TrackNamespace{"a"}, "t"};

TEST(EndpointDeadline, WhatIsKeptOfATrackGoesByItself) {
  EndpointPair pair;
  EXPECT_EQ(pair.server.next_deadline(), std::nullopt);
  TrackOptions options;
  options.retention = {1 << 20, 10, std::chrono::seconds(10)};
  const auto writer = *pair.server.add_track(kKeptTrack, options);
  const auto group = *writer->begin_group(0);
  ASSERT_TRUE(group->write(shared("x")).ok());
  group->finish();
  pair.run();
  EXPECT_GT(writer->stored_bytes(), 0u);
  const auto due = pair.server.next_deadline();
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, pair.sessions.now + std::chrono::seconds(10));
  pair.sessions.now = *due;
  pair.run();
  EXPECT_EQ(writer->stored_bytes(), 0u);
  EXPECT_EQ(pair.server.next_deadline(), std::nullopt);
}

TEST(EndpointDeadline, AStreamThatNobodyAcknowledgesIsResetInItsTime) {
  EndpointPair pair;
  TrackOptions options;
  options.retention = moqt::objects::Retention::none();
  const auto writer = *pair.server.add_track(kKeptTrack, options);
  const auto reader = *pair.client.subscribe(kKeptTrack);
  pair.run();
  const auto group = *writer->begin_group(0);
  ASSERT_TRUE(group->write(shared("x")).ok());
  for (const bool forward : {false, true}) {
    moqt::MessageParameters parameters;
    parameters.set_forward(forward);
    ASSERT_TRUE(reader->update(std::move(parameters)).ok());
    pair.run();
    pair.sessions.server.acknowledge = false;
    ASSERT_TRUE(group->write(shared("y")).ok());  // the first one is left out: the stream must not be finished
  }
  group->finish();
  pair.run();
  const std::size_t resets = pair.sessions.server.done<moqt::session::ResetStream>().size();
  const auto due = pair.server.next_deadline();
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, pair.sessions.now + std::chrono::seconds(5));
  pair.sessions.now = *due;
  pair.run();
  pair.run();  // what the first one came to
  EXPECT_EQ(pair.sessions.server.done<moqt::session::ResetStream>().size(), resets + 1);
}

}  // namespace
}  // namespace msquic_py::testing
