#include "quic/datagram_queue.h"

#include <algorithm>
#include <utility>

namespace msquic_py::quic {
namespace {

/// What MsQuic sends in one go: as much as a system takes in one call with segmentation offload.
constexpr std::uint64_t kMostInMsQuic = 64 * 1024;
/// A small datagram costs its record, too.
constexpr std::uint64_t kLeastCharge = 64;

std::uint64_t charge(const SendRecord& record) noexcept { return std::max(record.size(), kLeastCharge); }

}  // namespace

void DatagramQueue::List::push(SendRecord& record) noexcept {
  record.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &record;
  last_ = &record;
}

SendRecord* DatagramQueue::List::pop() noexcept {
  SendRecord* const record = first_;
  first_ = record->next;
  if (first_ == nullptr) last_ = nullptr;
  record->next = nullptr;
  return record;
}

SendRecord* DatagramQueue::List::release() noexcept {
  last_ = nullptr;
  return std::exchange(first_, nullptr);
}

DatagramQueue::~DatagramQueue() {
  for (List* const list : {&urgent_, &ordinary_}) {
    while (!list->empty()) delete list->pop();
  }
}

void DatagramQueue::set_limit(std::uint32_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

bool DatagramQueue::fits_into_msquic() const noexcept {
  return charged_to_msquic_ == 0 || charged_to_msquic_ < std::min(kMostInMsQuic, limit_ / 2);
}

void DatagramQueue::account_gone(const SendRecord& record) noexcept {
  --count_;
  bytes_ -= record.size();
  charged_ -= charge(record);
}

SendRecord* DatagramQueue::next_locked() noexcept {
  List& list = urgent_first();
  if (closed_ || list.empty() || !fits_into_msquic()) {
    handing_over_ = false;
    return nullptr;
  }
  handing_over_ = true;
  SendRecord* const record = list.pop();
  charged_to_msquic_ += charge(*record);
  record->in_msquic = true;
  return record;
}

// The oldest go first, those that were sent without priority before the others. `newest` stays: somebody wants to send
// it now, and a limit below the size of one datagram must not stop everything.
SendRecord* DatagramQueue::drop_excess(const SendRecord& newest) noexcept {
  List dropped;
  while (charged_ > limit_) {
    List& list = ordinary_.empty() || ordinary_.front() == &newest ? urgent_ : ordinary_;
    if (list.empty() || list.front() == &newest) break;
    SendRecord* const record = list.pop();
    account_gone(*record);
    ++dropped_;
    dropped.push(*record);
  }
  return dropped.release();
}

DatagramQueue::Work DatagramQueue::push(SendRecord& record) noexcept {
  Work work;
  const std::lock_guard lock(mutex_);
  const bool blocked = !urgent_.empty() || !ordinary_.empty() || !fits_into_msquic();
  if (closed_ || (blocked && has_flag(record.datagram_flags, DatagramSendFlags::CancelOnBlocked))) {
    ++dropped_;
    record.next = nullptr;
    work.give_up = &record;
    return work;
  }
  (has_flag(record.datagram_flags, DatagramSendFlags::Priority) ? urgent_ : ordinary_).push(record);
  ++count_;
  bytes_ += record.size();
  charged_ += charge(record);
  work.give_up = drop_excess(record);
  if (charged_ > limit_ / 2) crowded_ = true;
  if (!handing_over_) work.hand_over = next_locked();
  return work;
}

SendRecord* DatagramQueue::next() noexcept {
  const std::lock_guard lock(mutex_);
  return next_locked();
}

void DatagramQueue::refused(SendRecord& record) noexcept {
  const std::lock_guard lock(mutex_);
  record.in_msquic = false;
  charged_to_msquic_ -= charge(record);
  account_gone(record);
}

SendRecord* DatagramQueue::left(SendRecord& record) noexcept {
  refused(record);
  const std::lock_guard lock(mutex_);
  return handing_over_ ? nullptr : next_locked();
}

bool DatagramQueue::take_room() noexcept {
  const std::lock_guard lock(mutex_);
  return charged_ <= limit_ / 4 && std::exchange(crowded_, false);
}

void DatagramQueue::count_dropped() noexcept {
  const std::lock_guard lock(mutex_);
  ++dropped_;
}

SendRecord* DatagramQueue::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  List all;
  for (List* const list : {&urgent_, &ordinary_}) {
    while (!list->empty()) {
      SendRecord* const record = list->pop();
      account_gone(*record);
      all.push(*record);
    }
  }
  return all.release();
}

DatagramBacklog DatagramQueue::backlog() const noexcept {
  const std::lock_guard lock(mutex_);
  return {count_, bytes_, dropped_, !crowded_};
}

}  // namespace msquic_py::quic
