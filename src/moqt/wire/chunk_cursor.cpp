#include "moqt/wire/chunk_cursor.h"

#include <algorithm>
#include <cassert>

namespace msquic_py::moqt::wire {
namespace {
// How much of the chunk is shown behind a kept beginning at a time: a whole header without large extensions.
constexpr std::size_t kStep = 64;
// A stream that once carried a large header does not hold its memory for good.
constexpr std::size_t kMaxIdleCapacity = 1024;
}  // namespace

void ChunkCursor::feed(base::SharedBytes chunk) noexcept {
  assert(starved());
  chunk_ = std::move(chunk);
  position_ = 0;
}

base::Bytes ChunkCursor::header_bytes() const noexcept {
  return kept_.empty() ? chunk_.view().subspan(position_) : base::Bytes(kept_);
}

bool ChunkCursor::extend_header() {
  const base::Bytes unread = chunk_.view().subspan(position_);
  if (unread.empty()) return false;
  // Doubling: a large extension block is looked at a few times, not once per 64 bytes.
  const bool was_kept = !kept_.empty();
  const std::size_t count = was_kept ? std::min(unread.size(), std::max(kStep, kept_.size())) : unread.size();
  kept_.insert(kept_.end(), unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(count));
  position_ += count;
  return was_kept;
}

base::SharedBytes ChunkCursor::take_header(std::size_t size) {
  if (kept_.empty()) {
    base::SharedBytes header = chunk_.slice(position_, size);
    position_ += size;
    return header;
  }
  // What was shown beyond the header came from the current chunk and goes back to it.
  assert(size <= kept_.size() && kept_.size() - size <= position_);
  position_ -= kept_.size() - size;
  base::SharedBytes header = base::SharedBytes::copy_of(base::Bytes(kept_).first(size));
  kept_.clear();
  if (kept_.capacity() > kMaxIdleCapacity) kept_.shrink_to_fit();
  return header;
}

base::SharedBytes ChunkCursor::take_payload(std::uint64_t limit) noexcept {
  const std::size_t unread = chunk_.size() - position_;
  const std::size_t count = limit < unread ? static_cast<std::size_t>(limit) : unread;
  base::SharedBytes payload = chunk_.slice(position_, count);
  position_ += count;
  return payload;
}

}  // namespace msquic_py::moqt::wire
