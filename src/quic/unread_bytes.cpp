#include "quic/unread_bytes.h"

namespace msquic_py::quic {

UnreadBytes::UnreadBytes(const ReceivedData& offered, std::uint64_t taken)
    : offset_(offered.offset), fin_(offered.fin), early_data_(offered.early_data) {
  add(offered.chunks, offered.fin, offered.early_data);
  drop(taken);
}

void UnreadBytes::add(std::span<const base::Bytes> chunks, bool fin, bool early_data) {
  for (const base::Bytes chunk : chunks) {
    if (!chunks_.empty() && chunks_.back().data() + chunks_.back().size() == chunk.data()) {
      chunks_.back() = {chunks_.back().data(), chunks_.back().size() + chunk.size()};
    } else {
      chunks_.push_back(chunk);
    }
    size_ += chunk.size();
  }
  fin_ = fin_ || fin;
  early_data_ = early_data_ || early_data;
}

void UnreadBytes::drop(std::uint64_t bytes) noexcept {
  offset_ += bytes;
  size_ -= bytes;
  auto first = chunks_.begin();
  for (; first != chunks_.end() && bytes >= first->size(); ++first) bytes -= first->size();
  if (first != chunks_.end()) *first = first->subspan(static_cast<std::size_t>(bytes));
  chunks_.erase(chunks_.begin(), first);
}

ReceivedData UnreadBytes::view() const noexcept {
  ReceivedData data;
  data.offset = offset_;
  data.size = size_;
  data.chunks = chunks_;
  data.fin = fin_;
  data.early_data = early_data_;
  return data;
}

}  // namespace msquic_py::quic
