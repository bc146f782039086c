// A subscription that ends while a subgroup is still open: what comes of it later is for others.

#include <gtest/gtest.h>

#include "unit/moqt/pubsub/fetched_track.h"

namespace msquic_py::testing::fetched_track {
namespace {

/// A writer of several sessions, one of which gives the track up while its subscriber is in the middle of a group.
class SubscriptionEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EndpointConfig config;
    config.wake = [] {};
    pair_.emplace(EndpointConfig{}, config);
    ASSERT_TRUE(pair_->server.add_track(writer_).ok());
    reader_ = *pair_->client.subscribe(kPast);
    pair_->run();
    group_ = *writer_->begin_group(0);
  }
  void write(const std::string& payload) { ASSERT_TRUE(group_->write(shared(payload)).ok()); }
  /// The track ends for this session, its group open.
  void leave_open() {
    pair_->server.remove_track(kPast);
    pair_->run();
  }
  /// And goes on for others.
  void leave() {
    pair_->server.remove_track(kPast);
    write("for others");
    group_->finish();
    pair_->run();
  }
  [[nodiscard]] bool any_fin() {
    const auto sent = pair_->sessions.server.done<ms::SendStream>();
    return std::any_of(sent.begin(), sent.end(), [](const ms::SendStream& each) { return each.fin; });
  }
  void expect_done() {
    ASSERT_TRUE(reader_->end());
    EXPECT_EQ(reader_->end()->cause, TrackEnd::Cause::kDone);
    EXPECT_EQ(reader_->end()->code, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
    EXPECT_EQ(pair_->sessions.server.session.open_requests(), 0u);
  }

  const std::shared_ptr<TrackWriter> writer_ = std::make_shared<TrackWriter>(kPast);
  std::optional<EndpointPair> pair_;
  std::shared_ptr<TrackReader> reader_;
  std::shared_ptr<GroupWriter> group_;
  std::size_t acknowledged_ = 0;
};

// [d15 §10.4.3-2]
TEST_F(SubscriptionEndTest, TheStreamOfAnOpenSubgroupIsResetBehindWhatWentOut) {
  write("mine");
  pair_->run();
  leave();
  EXPECT_EQ(read_all(*reader_), Strings{"0.0=mine"});
  EXPECT_FALSE(any_fin()) << "an object of the subgroup was left out";
  const auto resets = pair_->sessions.server.done<ms::ResetStream>();
  ASSERT_EQ(resets.size(), 1u);
  EXPECT_EQ(resets[0].code, static_cast<std::uint64_t>(moqt::StreamResetCode::kCancelled));
  expect_done();
}

// [d15 §10.4.3-2]
TEST_F(SubscriptionEndTest, WhatWaitsForRoomStillGoesOutAndNothingBehindIt) {
  pair_->sessions.server.reset_loses = false;  // what has been acknowledged reaches the reader
  pair_->sessions.server.session.set_send_window(0);
  Strings wanted;
  for (int i = 0; i < 20; ++i) {
    write(std::string(9000, 'x'));
    wanted.push_back("0." + std::to_string(i) + "=" + std::string(9000, 'x'));
  }
  pair_->run();
  EXPECT_GT(writer_->queued_bytes(), 100'000u) << "more than the session takes in advance";
  leave();
  EXPECT_FALSE(reader_->end());
  pair_->sessions.server.session.set_send_window(1 << 20);
  pair_->run();
  EXPECT_EQ(read_all(*reader_), wanted);
  EXPECT_FALSE(any_fin()) << "an object of the subgroup was left out";
  expect_done();
}

// [d15 §10.4.3-2]
TEST_F(SubscriptionEndTest, AnObjectThatHasOnlyBegunIsBrokenOff) {
  write("whole");
  ASSERT_TRUE(group_->begin_object(6).ok());
  ASSERT_TRUE(group_->append(shared("par")).ok());
  pair_->run();
  pair_->server.remove_track(kPast);
  pair_->run();
  EXPECT_EQ(read_all(*reader_), Strings{"0.0=whole"});
  expect_done();
  ASSERT_TRUE(group_->append(shared("tly")).ok());
  group_->finish();
  pair_->run();
  EXPECT_FALSE(any_fin());
}

// [d15 §10.4.3-2]: a reset before the peer has everything would take it away.
TEST_F(SubscriptionEndTest, TheResetWaitsForWhatIsOnItsWay) {
  PairSide& server = pair_->sessions.server;
  server.hold_data = true;
  server.acknowledge = false;
  write("whole");
  ASSERT_TRUE(group_->begin_object(6).ok());
  ASSERT_TRUE(group_->append(shared("par")).ok());
  pair_->run();
  leave_open();
  EXPECT_TRUE(server.done<ms::ResetStream>().empty());
  EXPECT_FALSE(reader_->end());
  server.hold_data = false;
  pair_->run();
  acknowledge(*pair_, acknowledged_);
  pair_->run();
  EXPECT_EQ(server.done<ms::ResetStream>().size(), 1u);
  EXPECT_EQ(read_all(*reader_), Strings{"0.0=whole"});
  expect_done();
}

TEST_F(SubscriptionEndTest, AResetIsNotPutOffForEver) {
  PairSide& server = pair_->sessions.server;
  server.acknowledge = false;
  write("whole");
  pair_->run();
  leave_open();
  EXPECT_FALSE(reader_->end());
  ASSERT_TRUE(pair_->server.next_deadline());
  pair_->sessions.now += std::chrono::seconds(6);  // SubscriptionLimits::retired_stream_timeout is 5 s
  pair_->server.drain_session(pair_->sessions.now);
  pair_->run();
  EXPECT_EQ(server.done<ms::ResetStream>().size(), 1u);
  expect_done();
}

TEST_F(SubscriptionEndTest, ASubgroupThatHasEndedIsFinished) {
  write("all of it");
  group_->finish();
  pair_->server.remove_track(kPast);
  pair_->run();
  EXPECT_EQ(read_all(*reader_), Strings{"0.0=all of it"});
  EXPECT_TRUE(any_fin());
  expect_done();
}

}  // namespace
}  // namespace msquic_py::testing::fetched_track
