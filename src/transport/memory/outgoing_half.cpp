#include "transport/memory/outgoing_half.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace msquic_py::transport::memory {

bool OutgoingHalf::append(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) {
  if (ended()) return false;
  std::size_t bytes = 0;
  for (const base::SharedBytes& slice : slices) {
    if (slice.empty()) continue;
    bytes += slice.size();
    unsent_.push_back(slice);
  }
  appended_ += bytes;
  fin_ = fin;
  if (bytes != 0 || fin) sends_.push_back({appended_, bytes, token, fin});
  return true;
}

void OutgoingHalf::raise_limit(std::uint64_t limit) noexcept { limit_ = std::max(limit_, limit); }

bool OutgoingHalf::sendable(std::uint64_t credit) const noexcept {
  if (reset_) return false;
  if (!lost_.empty()) return true;
  if (sent_ < appended_) return sent_ < limit_ && credit > 0;
  return fin_ && !fin_sent_;
}

Chunk OutgoingHalf::take(std::size_t most, std::uint64_t credit) {
  if (!lost_.empty()) {
    Chunk chunk = std::move(lost_.front());
    lost_.pop_front();
    return chunk;
  }
  Chunk chunk;
  chunk.offset = sent_;
  const std::uint64_t room = std::min({std::uint64_t{most}, credit, limit_ - std::min(limit_, sent_)});
  while (!unsent_.empty() && chunk.size < room) {
    const std::size_t left = static_cast<std::size_t>(room) - chunk.size;
    base::SharedBytes& front = unsent_.front();
    const std::size_t count = std::min(left, front.size());
    chunk.pieces.push_back(front.slice(0, count));
    chunk.size += count;
    if (count == front.size()) {
      unsent_.pop_front();
    } else {
      front = front.from(count);
    }
  }
  sent_ += chunk.size;
  chunk.fin = fin_ && sent_ == appended_;
  fin_sent_ = fin_sent_ || chunk.fin;
  return chunk;
}

void OutgoingHalf::lose(Chunk chunk) {
  if (!reset_) lost_.push_back(std::move(chunk));
}

void OutgoingHalf::acknowledge(const Chunk& chunk) {
  fin_arrived_ = fin_arrived_ || chunk.fin;
  if (chunk.size == 0) return;
  std::uint64_t begin = chunk.offset;
  std::uint64_t end = chunk.offset + chunk.size;
  auto range = arrived_.upper_bound(begin);
  if (range != arrived_.begin() && std::prev(range)->second >= begin) --range;
  while (range != arrived_.end() && range->first <= end) {
    begin = std::min(begin, range->first);
    end = std::max(end, range->second);
    range = arrived_.erase(range);
  }
  arrived_.emplace(begin, end);
}

std::uint64_t OutgoingHalf::arrived() const noexcept {
  return arrived_.empty() || arrived_.begin()->first != 0 ? 0 : arrived_.begin()->second;
}

std::vector<OutgoingHalf::Completed> OutgoingHalf::take_completed() {
  std::vector<Completed> completed;
  while (!sends_.empty() && sends_.front().end <= arrived() && (!sends_.front().fin || fin_arrived_)) {
    completed.push_back({sends_.front().token, sends_.front().bytes});
    sends_.pop_front();
  }
  return completed;
}

std::vector<OutgoingHalf::Completed> OutgoingHalf::abandon() {
  reset_ = true;
  unsent_.clear();
  lost_.clear();
  std::vector<Completed> given_up;
  for (const Send& send : sends_) given_up.push_back({send.token, send.bytes});
  sends_.clear();
  return given_up;
}

}  // namespace msquic_py::transport::memory
