// The queue that an application takes objects from, one by one or in batches.

#include "moqt/pubsub/object_queue.h"

#include <gtest/gtest.h>

#include <limits>

namespace msquic_py::moqt::pubsub {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

class ObjectQueueTest : public ::testing::Test {
 protected:
  void push(std::uint64_t id, std::size_t size) {
    ReceivedObject object = queue_.begin_object({0, id}, 0, 128, ObjectStatus::kNormal, {}, size);
    lists_ += object.payload.capacity() > 0 ? 1 : 0;
    if (size > 0) object.payload.push_back(base::SharedBytes::copy_of(base::ByteVector(size, 'x')));
    queue_.push(std::move(object));
  }

  std::shared_ptr<ReceiveBudget> budget_ = std::make_shared<ReceiveBudget>(1 << 20);
  ObjectQueue queue_{4 << 20, budget_};
  std::vector<ReceivedObject> objects_;
  std::size_t lists_ = 0;  ///< lists of pieces that had room from before
};

TEST_F(ObjectQueueTest, GivesABatchInOrder) {
  for (std::uint64_t id = 0; id < 5; ++id) push(id, 100);
  EXPECT_EQ(queue_.pop(objects_, 3, kNoLimit), 3u);
  EXPECT_EQ(queue_.pop(objects_, 3, kNoLimit), 2u);
  EXPECT_EQ(queue_.pop(objects_, 3, kNoLimit), 0u);
  ASSERT_EQ(objects_.size(), 5u);
  for (std::uint64_t id = 0; id < 5; ++id) EXPECT_EQ(objects_[id].location.object, id);
  EXPECT_EQ(queue_.bytes(), 0u);
  EXPECT_EQ(queue_.received(), 5u);
}

TEST_F(ObjectQueueTest, EndsABatchWithTheObjectThatMakesItLargeEnough) {
  for (std::uint64_t id = 0; id < 5; ++id) push(id, 100);
  EXPECT_EQ(queue_.pop(objects_, 5, 201), 3u);
  EXPECT_EQ(queue_.pop(objects_, 5, 1), 1u);
  EXPECT_EQ(queue_.size(), 1u);
}

TEST_F(ObjectQueueTest, UsesTheListsOfWhatWasTakenAgain) {
  for (std::uint64_t id = 0; id < 3; ++id) push(id, 100);
  EXPECT_EQ(queue_.pop(objects_, 3, kNoLimit), 3u);
  queue_.reuse(objects_);
  for (const ReceivedObject& each : objects_) EXPECT_TRUE(each.payload.empty());
  EXPECT_EQ(lists_, 0u);
  for (std::uint64_t id = 3; id < 7; ++id) push(id, 100);
  EXPECT_EQ(lists_, 3u);
}

TEST_F(ObjectQueueTest, CountsWhatIsTakenInABatchAsTakenOne) {
  for (std::uint64_t id = 0; id < 2; ++id) push(id, 600'000);  // more than the budget has room for
  EXPECT_TRUE(budget_->exceeded());
  EXPECT_EQ(queue_.pop(objects_, 1, kNoLimit), 1u);
  EXPECT_FALSE(budget_->exceeded());
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub
