#include "moqt/pubsub/object_queue.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::pubsub {

namespace {

constexpr std::size_t kSpareLists = 64;

std::size_t size_of(const ReceivedObject& object) noexcept {
  return sizeof(ReceivedObject) + object.payload_size + object.extensions.size();
}

}  // namespace

void ReceiveBudget::add(const std::shared_ptr<ObjectQueue>& queue) {
  std::erase_if(queues_, [](const auto& each) { return each.expired(); });
  queues_.push_back(queue);
}

bool ReceiveBudget::drop_one() {
  std::shared_ptr<ObjectQueue> fullest;
  std::size_t most = 0;
  for (const auto& each : queues_) {
    auto queue = each.lock();
    if (!queue) continue;
    if (const std::size_t bytes = queue->bytes(); bytes > most) {
      most = bytes;
      fullest = std::move(queue);
    }
  }
  if (!fullest) return false;
  (void)fullest->drop_oldest();  // or its reader has taken it this moment, which helps as well
  return true;
}

bool ReceiveBudget::relieve() {
  if (account_ && account_->full()) (void)drop_one();
  while (exceeded()) {
    if (!drop_one()) return false;
  }
  return true;
}

bool ObjectQueue::push(ReceivedObject&& object) {
  const std::lock_guard lock(mutex_);
  const bool was_empty = objects_.empty();
  bytes_ += size_of(object);
  budget_->charge(size_of(object));
  // The end of a group that follows from an object must not drive that object out.
  const std::size_t kept = object.implied ? 2 : 1;
  if (!object.implied) {
    received_.fetch_add(1, std::memory_order_relaxed);
    received_bytes_.fetch_add(object.payload_size, std::memory_order_relaxed);
  }
  objects_.push(std::move(object));
  records_.set(objects_.capacity() * sizeof(ReceivedObject));
  while (bytes_ > limit_ && objects_.size() > kept) drop_front();
  return was_empty;
}

bool ObjectQueue::pop(ReceivedObject& object) {
  const std::lock_guard lock(mutex_);
  if (objects_.empty()) return false;
  if (spare_.size() < kSpareLists && object.payload.capacity() > 0) {
    object.payload.clear();
    spare_.push_back(std::move(object.payload));
  }
  objects_.pop_into(object);
  if (!object.implied) taken_.fetch_add(1, std::memory_order_relaxed);
  bytes_ -= size_of(object);
  budget_->give_back(size_of(object));
  return true;
}

bool ObjectQueue::drop_oldest() {
  const std::lock_guard lock(mutex_);
  if (objects_.empty()) return false;
  drop_front();
  return true;
}

void ObjectQueue::drop_front() {
  const ReceivedObject dropped = objects_.pop();
  bytes_ -= size_of(dropped);
  budget_->give_back(size_of(dropped));
  if (!dropped.implied) count_dropped();
}

ReceivedObject ObjectQueue::begin_object(Location location, std::uint64_t subgroup, std::uint8_t publisher_priority,
                                         ObjectStatus status, base::SharedBytes extensions,
                                         std::uint64_t payload_length) {
  ReceivedObject object;
  object.location = location;
  object.subgroup = subgroup;
  object.publisher_priority = publisher_priority;
  object.status = status;
  object.extensions = std::move(extensions);
  object.payload_size = static_cast<std::size_t>(payload_length);
  if (lists_.empty()) {
    const std::lock_guard lock(mutex_);
    lists_.swap(spare_);
  }
  if (!lists_.empty()) {
    object.payload = std::move(lists_.back());
    lists_.pop_back();
  }
  return object;
}

std::size_t ObjectQueue::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

std::size_t ObjectQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace msquic_py::moqt::pubsub
