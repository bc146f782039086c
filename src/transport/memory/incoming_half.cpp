#include "transport/memory/incoming_half.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace msquic_py::transport::memory {

bool IncomingHalf::receive(const Chunk& chunk) {
  const std::uint64_t end = chunk.offset + chunk.size;
  highest_ = std::max(highest_, end);
  if (highest_ > limit_ || (final_size_ && highest_ > *final_size_)) return false;
  if (chunk.fin) final_size_ = end;
  if (done_) return true;
  if (stopped_) return drop(), true;
  std::uint64_t at = chunk.offset;
  for (const base::SharedBytes& piece : chunk.pieces) {
    std::uint64_t begin = at;
    const std::uint64_t piece_end = at + piece.size();
    at = piece_end;
    // Only what is neither read nor there already; a packet that was thought lost may come twice.
    begin = std::max(begin, consumed_);
    auto next = segments_.upper_bound(begin);
    if (next != segments_.begin()) {
      const auto& [offset, bytes] = *std::prev(next);
      begin = std::max(begin, offset + bytes.size());
    }
    while (begin < piece_end) {
      const std::uint64_t stop = next == segments_.end() ? piece_end : std::min(piece_end, next->first);
      if (stop > begin) {
        segments_.emplace(begin, piece.slice(static_cast<std::size_t>(begin - (piece_end - piece.size())),
                                             static_cast<std::size_t>(stop - begin)));
      }
      if (next == segments_.end()) break;
      begin = std::max(begin, next->first + next->second.size());
      ++next;
    }
  }
  return true;
}

void IncomingHalf::reset(std::uint64_t final_size) {
  final_size_ = final_size;
  highest_ = std::max(highest_, final_size);
  drop();
  done_ = true;
}

void IncomingHalf::stop() {
  stopped_ = true;
  drop();
}

void IncomingHalf::drop() {
  segments_.clear();
  consumed_ = highest_;
}

IncomingHalf::Available IncomingHalf::available() const {
  Available result;
  if (done_ || stopped_) return result;
  std::uint64_t at = consumed_;
  for (const auto& [offset, bytes] : segments_) {
    if (offset != at) break;
    result.chunks.push_back(bytes.view());
    at += bytes.size();
  }
  result.size = at - consumed_;
  result.fin = final_size_ && at == *final_size_;
  return result;
}

void IncomingHalf::consume(std::uint64_t bytes, bool fin) {
  std::uint64_t left = bytes;
  while (left > 0) {
    auto first = segments_.begin();
    base::SharedBytes segment = std::move(first->second);
    const std::uint64_t offset = first->first;
    segments_.erase(first);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, segment.size()));
    if (count < segment.size()) segments_.emplace(offset + count, segment.from(count));
    left -= count;
  }
  consumed_ += bytes;
  done_ = done_ || (fin && final_size_ && consumed_ == *final_size_);
}

std::optional<std::uint64_t> IncomingHalf::take_new_limit() {
  if (final_size_ || stopped_ || limit_ - consumed_ > window_ / 2) return std::nullopt;
  limit_ = consumed_ + window_;
  return limit_;
}

std::uint64_t IncomingHalf::take_read() { return consumed_ - std::exchange(told_, consumed_); }

}  // namespace msquic_py::transport::memory
