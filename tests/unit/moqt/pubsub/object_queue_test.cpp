// The queue that an application takes objects from.

#include "moqt/pubsub/object_queue.h"

#include <gtest/gtest.h>

namespace msquic_py::moqt::pubsub {
namespace {

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
  ReceivedObject object_;
  std::size_t lists_ = 0;  ///< lists of pieces that had room from before
};

TEST_F(ObjectQueueTest, GivesObjectsInOrder) {
  for (std::uint64_t id = 0; id < 5; ++id) push(id, 100);
  for (std::uint64_t id = 0; id < 5; ++id) {
    ASSERT_TRUE(queue_.pop(object_));
    EXPECT_EQ(object_.location.object, id);
  }
  EXPECT_FALSE(queue_.pop(object_));
  EXPECT_EQ(queue_.bytes(), 0u);
  EXPECT_EQ(queue_.received(), 5u);
}

TEST_F(ObjectQueueTest, UsesTheListsOfWhatWasTakenAgain) {
  for (std::uint64_t id = 0; id < 3; ++id) push(id, 100);
  // Each pop gives back the list of the object before it; the last one is still with the application.
  while (queue_.pop(object_)) continue;
  EXPECT_EQ(lists_, 0u);
  for (std::uint64_t id = 3; id < 7; ++id) push(id, 100);
  EXPECT_EQ(lists_, 2u);
}

TEST_F(ObjectQueueTest, GivesTheBudgetBackWhatIsTaken) {
  for (std::uint64_t id = 0; id < 2; ++id) push(id, 600'000);  // more than the budget has room for
  EXPECT_TRUE(budget_->exceeded());
  EXPECT_TRUE(queue_.pop(object_));
  EXPECT_FALSE(budget_->exceeded());
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub
