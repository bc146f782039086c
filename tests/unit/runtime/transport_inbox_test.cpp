#include "runtime/transport_inbox.h"

#include <gtest/gtest.h>

#include "base/ledger/ledger.h"

namespace msquic_py::runtime {
namespace {

using Kind = TransportEvent::Kind;

class Taker final : public EventLoop::Participant {
 public:
  Taker(EventLoop& loop, std::shared_ptr<TransportInbox> inbox) : loop_(loop), inbox_(std::move(inbox)) {
    loop_.add(*this);
    inbox_->attach(*this);
  }
  ~Taker() override {
    inbox_->detach();
    loop_.remove(*this);
  }
  std::optional<EventLoop::Time> turn(EventLoop::Time) override {
    ++turns;
    inbox_->take(batch);
    return std::nullopt;
  }

  int turns = 0;
  std::vector<TransportEvent> batch;

 private:
  EventLoop& loop_;
  std::shared_ptr<TransportInbox> inbox_;
};

class TransportInboxTest : public ::testing::Test {
 protected:
  TransportInboxTest()
      : inbox(std::make_shared<TransportInbox>(loop, base::Ledger().open_connection())), taker(loop, inbox) {
    run_ready();
    taker.turns = 0;
  }
  /// Gives everyone who is ready one turn. stop() takes effect before the turns of its own round, so it comes a round
  /// later.
  void run_ready() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  void sent(std::uint64_t stream, std::uint64_t bytes) {
    inbox->push({.kind = Kind::StreamSent, .id = stream, .code = bytes});
  }

  EventLoop loop;
  std::shared_ptr<TransportInbox> inbox;
  Taker taker;
};

TEST_F(TransportInboxTest, AcknowledgementsAloneWaitForTheNextTurn) {
  sent(1, 100);
  run_ready();
  EXPECT_EQ(taker.turns, 0);

  inbox->push({.kind = Kind::StreamClosed, .id = 1});
  run_ready();
  ASSERT_EQ(taker.turns, 1);
  ASSERT_EQ(taker.batch.size(), 2u);
  EXPECT_EQ(taker.batch[0].kind, Kind::StreamSent);
  EXPECT_EQ(taker.batch[1].kind, Kind::StreamClosed);
}

TEST_F(TransportInboxTest, AcknowledgementsOfOneStreamAreAddedUp) {
  sent(1, 100);
  sent(1, 20);
  sent(2, 3);
  sent(1, 4);
  inbox->report_sent_at_once(true);
  run_ready();
  ASSERT_EQ(taker.batch.size(), 3u);
  EXPECT_EQ(taker.batch[0].code, 120u);
  EXPECT_EQ(taker.batch[1].id, 2u);
  EXPECT_EQ(taker.batch[2].code, 4u);
}

TEST_F(TransportInboxTest, AFullWindowIsToldAtOnceAlsoOfWhatCameBefore) {
  sent(1, 100);
  inbox->report_sent_at_once(true);
  run_ready();
  EXPECT_EQ(taker.turns, 1);

  sent(1, 100);
  run_ready();
  EXPECT_EQ(taker.turns, 2);

  inbox->report_sent_at_once(false);
  sent(1, 100);
  run_ready();
  EXPECT_EQ(taker.turns, 2);
}

// Whoever closes a session once everything has arrived would take it for that.
TEST_F(TransportInboxTest, WhatIsGivenUpWithTheConnectionDoesNotCountAsArrived) {
  const auto stream = TransportInbox::key_of(std::uint64_t{3});
  inbox->on_sent(TransportInbox::kControlStream, 20, /*canceled=*/true);
  inbox->on_stream_closed(stream, /*with_connection=*/true);
  run_ready();
  EXPECT_TRUE(taker.batch.empty());
  inbox->on_sent(TransportInbox::kControlStream, 20, /*canceled=*/false);
  inbox->on_stream_closed(stream, /*with_connection=*/false);
  run_ready();
  ASSERT_EQ(taker.batch.size(), 2u);
  EXPECT_EQ(taker.batch[0].kind, Kind::ControlSent);
  EXPECT_EQ(taker.batch[1].kind, Kind::StreamClosed);
}

TEST_F(TransportInboxTest, EveryOtherEventIsWorthATurn) {
  sent(1, 100);
  inbox->push({.kind = Kind::StreamStopped, .id = 1});
  run_ready();
  EXPECT_EQ(taker.turns, 1);
}

}  // namespace
}  // namespace msquic_py::runtime
