#include "quic/datagram_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace msquic_py::quic::testing {
namespace {

/// Records with a token each, so that they can be told apart.
class DatagramQueueTest : public ::testing::Test {
 protected:
  SendRecord& datagram(std::uint64_t token, std::size_t size, DatagramSendFlags flags = DatagramSendFlags::None) {
    auto record = std::make_unique<SendRecord>();
    record->token = token;
    record->datagram_flags = flags;
    record->add({bytes_.data(), size});
    records_.push_back(std::move(record));
    return *records_.back();
  }
  static std::vector<std::uint64_t> tokens(const SendRecord* list) {
    std::vector<std::uint64_t> found;
    for (; list != nullptr; list = list->next) found.push_back(list->token);
    return found;
  }
  /// Pushes and hands over all that it may. What was handed over.
  std::vector<std::uint64_t> push(SendRecord& record) {
    const DatagramQueue::Work work = queue_.push(record);
    for (const std::uint64_t token : tokens(work.give_up)) dropped_.push_back(token);
    return hand_over(work.hand_over);
  }
  std::vector<std::uint64_t> hand_over(SendRecord* record) {
    std::vector<std::uint64_t> handed_over;
    for (; record != nullptr; record = queue_.next()) handed_over.push_back(record->token);
    return handed_over;
  }
  void TearDown() override { static_cast<void>(queue_.close()); }

  const std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(65536);
  std::vector<std::unique_ptr<SendRecord>> records_;
  std::vector<std::uint64_t> dropped_;
  DatagramQueue queue_;
};

using Tokens = std::vector<std::uint64_t>;

TEST_F(DatagramQueueTest, HandsOverALittleAndLetsTheRestWait) {
  queue_.set_limit(4000);
  EXPECT_EQ(push(datagram(1, 1000)), Tokens{1});
  EXPECT_EQ(push(datagram(2, 1000)), Tokens{2});
  EXPECT_EQ(push(datagram(3, 1000)), Tokens{});  // half of the limit is with MsQuic
  EXPECT_EQ(queue_.backlog().count, 3u);
  EXPECT_EQ(queue_.backlog().bytes, 3000u);
  EXPECT_EQ(hand_over(queue_.left(*records_[0])), Tokens{3});
  EXPECT_EQ(queue_.backlog().count, 2u);
  EXPECT_EQ(queue_.backlog().dropped, 0u);
}

TEST_F(DatagramQueueTest, TheOldestMakeRoomForTheNewest) {
  queue_.set_limit(4000);
  for (std::uint64_t token = 1; token <= 7; ++token) push(datagram(token, 1000));
  EXPECT_EQ(dropped_, (Tokens{3, 4, 5}));  // 1 and 2 are MsQuic's already
  EXPECT_EQ(queue_.backlog().bytes, 4000u);
  EXPECT_EQ(queue_.backlog().dropped, 3u);
}

TEST_F(DatagramQueueTest, PriorityGoesFirstAndIsDroppedLast) {
  queue_.set_limit(4000);
  for (std::uint64_t token = 1; token <= 4; ++token) push(datagram(token, 1000));
  push(datagram(5, 1000, DatagramSendFlags::Priority));
  push(datagram(6, 1000, DatagramSendFlags::Priority));
  EXPECT_EQ(dropped_, (Tokens{3, 4}));
  push(datagram(7, 1000));  // it has no priority, but nothing else without is left
  EXPECT_EQ(dropped_, (Tokens{3, 4, 5}));
  EXPECT_EQ(hand_over(queue_.left(*records_[0])), Tokens{6});
  EXPECT_EQ(hand_over(queue_.left(*records_[1])), Tokens{7});
}

TEST_F(DatagramQueueTest, OneThatMayNotWaitIsGivenUpAtOnce) {
  queue_.set_limit(4000);
  EXPECT_EQ(push(datagram(1, 1000, DatagramSendFlags::CancelOnBlocked)), Tokens{1});
  push(datagram(2, 1000));
  EXPECT_EQ(push(datagram(3, 100, DatagramSendFlags::CancelOnBlocked)), Tokens{});
  EXPECT_EQ(dropped_, Tokens{3});
  EXPECT_EQ(queue_.backlog().dropped, 1u);
  EXPECT_EQ(queue_.backlog().count, 2u);
}

TEST_F(DatagramQueueTest, SmallOnesCountAtLeast64Bytes) {
  queue_.set_limit(640);
  for (std::uint64_t token = 1; token <= 100; ++token) push(datagram(token, 1));
  EXPECT_EQ(queue_.backlog().count, 10u);
  EXPECT_EQ(queue_.backlog().bytes, 10u);
  EXPECT_EQ(queue_.backlog().dropped, 90u);
}

TEST_F(DatagramQueueTest, ALimitBelowOneDatagramLetsOneThrough) {
  queue_.set_limit(1);
  EXPECT_EQ(push(datagram(1, 1000)), Tokens{1});
  EXPECT_EQ(push(datagram(2, 1000)), Tokens{});
  EXPECT_EQ(push(datagram(3, 1000)), Tokens{});
  EXPECT_EQ(dropped_, Tokens{2});
  EXPECT_EQ(hand_over(queue_.left(*records_[0])), Tokens{3});
}

TEST_F(DatagramQueueTest, RoomIsToldOnceForEachTimeThatThereWasNone) {
  queue_.set_limit(4000);
  push(datagram(1, 1000));
  push(datagram(2, 1000));
  EXPECT_TRUE(queue_.backlog().has_room);  // half
  EXPECT_FALSE(queue_.take_room());        // nobody was without
  push(datagram(3, 1000));
  EXPECT_FALSE(queue_.backlog().has_room);
  hand_over(queue_.left(*records_[0]));
  EXPECT_FALSE(queue_.take_room());  // still half
  hand_over(queue_.left(*records_[1]));
  EXPECT_TRUE(queue_.take_room());
  EXPECT_TRUE(queue_.backlog().has_room);
  EXPECT_FALSE(queue_.take_room());
}

TEST_F(DatagramQueueTest, OnlyOneThreadHandsOver) {
  const DatagramQueue::Work first = queue_.push(datagram(1, 1000));
  ASSERT_NE(first.hand_over, nullptr);
  // Others leave it what comes meanwhile, or a later one could overtake.
  EXPECT_EQ(queue_.push(datagram(2, 1000)).hand_over, nullptr);
  EXPECT_EQ(hand_over(queue_.next()), Tokens{2});
  EXPECT_EQ(push(datagram(3, 1000)), Tokens{3});
}

TEST_F(DatagramQueueTest, NothingIsTakenAfterTheEnd) {
  queue_.set_limit(4000);
  for (std::uint64_t token = 1; token <= 4; ++token) push(datagram(token, 1000));
  EXPECT_EQ(tokens(queue_.close()), (Tokens{3, 4}));
  EXPECT_EQ(push(datagram(5, 1000)), Tokens{});
  EXPECT_EQ(dropped_, Tokens{5});
}

}  // namespace
}  // namespace msquic_py::quic::testing
