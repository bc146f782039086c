#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/pubsub/received_object.h"
#include "moqt/session/ring_queue.h"

namespace msquic_py::moqt::pubsub {

class ObjectQueue;

/// What the readers of one session hold together: complete objects and those that are still arriving.
class ReceiveBudget {
 public:
  /// What is held is charged to `account` as well, whose own limit counts, too; null: to nobody.
  explicit ReceiveBudget(std::size_t limit, std::shared_ptr<base::Account> account = nullptr) noexcept
      : limit_(limit), account_(std::move(account)) {}

  [[nodiscard]] bool exceeded() const noexcept { return held_.load(std::memory_order_relaxed) > limit_; }
  /// Drops the oldest object of the queue that holds the most, until the limit is kept; one, when the account is full:
  /// others may hold what fills it. False when no queue has an object left and the limit still is not kept.
  bool relieve();
  [[nodiscard]] const std::shared_ptr<base::Account>& account() const noexcept { return account_; }

  void add(const std::shared_ptr<ObjectQueue>& queue);
  void charge(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  /// Of the queue that holds the most. False when no queue has one.
  bool drop_one();

  const std::size_t limit_;
  const std::shared_ptr<base::Account> account_;
  std::atomic<std::size_t> held_{0};
  std::vector<std::weak_ptr<ObjectQueue>> queues_;
};

/// The complete objects of one track that wait for the application, which may take them on a thread of its own: this
/// is the only part of a session that another thread may touch. Beyond the limit the oldest are dropped and counted.
class ObjectQueue {
 public:
  ObjectQueue(std::size_t limit, std::shared_ptr<ReceiveBudget> budget) noexcept
      : limit_(limit), budget_(std::move(budget)), records_(budget_->account()) {}
  ObjectQueue(const ObjectQueue&) = delete;
  ObjectQueue& operator=(const ObjectQueue&) = delete;
  ~ObjectQueue() { budget_->give_back(bytes()); }

  /// True when the queue was empty. The newest object stays, however large it is.
  bool push(ReceivedObject&& object);
  /// Takes the oldest object into `object`, whose vectors are reused. False when there is none.
  bool pop(ReceivedObject& object);
  bool drop_oldest();
  /// An object as its header describes it, without its payload; the list of payload pieces has room. Always on the
  /// thread that pushes.
  [[nodiscard]] ReceivedObject begin_object(Location location, std::uint64_t subgroup, std::uint8_t publisher_priority,
                                            ObjectStatus status, base::SharedBytes extensions,
                                            std::uint64_t payload_length);

  [[nodiscard]] std::size_t size() const;
  /// With what an object without a payload takes.
  [[nodiscard]] std::size_t bytes() const;

  void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  void count_too_large() noexcept { too_large_.fetch_add(1, std::memory_order_relaxed); }
  /// Whole objects that have come, and their payloads' bytes; implied ends of groups are none.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t received_bytes() const noexcept {
    return received_bytes_.load(std::memory_order_relaxed);
  }
  /// Of these, how many pop() has given.
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t too_large() const noexcept { return too_large_.load(std::memory_order_relaxed); }

 private:
  void drop_front();

  const std::size_t limit_;
  const std::shared_ptr<ReceiveBudget> budget_;
  mutable std::mutex mutex_;
  session::RingQueue<ReceivedObject> objects_;
  std::size_t bytes_ = 0;
  base::Charge records_;                               ///< of objects_; their payloads are charged by their slabs
  std::vector<std::vector<base::SharedBytes>> spare_;  ///< emptied piece lists, for the next objects
  std::vector<std::vector<base::SharedBytes>> lists_;  ///< the same, taken by begin_object(): without the lock
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> received_bytes_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> too_large_{0};
};

}  // namespace msquic_py::moqt::pubsub
