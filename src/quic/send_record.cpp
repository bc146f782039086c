#include "quic/send_record.h"

namespace msquic_py::quic {

std::uint64_t SendRecord::size() const noexcept {
  std::uint64_t total = 0;
  for (const QUIC_BUFFER& buffer : buffers) total += buffer.Length;
  return total;
}

void SendRecord::add(base::Bytes bytes) {
  if (bytes.empty()) return;
  // MsQuic never writes to what it sends; its type just lacks the const.
  buffers.push_back({static_cast<std::uint32_t>(bytes.size()), const_cast<std::uint8_t*>(bytes.data())});
}

SendRecordPool::~SendRecordPool() {
  while (spare_ != nullptr) {
    SendRecord* const record = spare_;
    spare_ = record->next;
    delete record;
  }
}

SendRecord* SendRecordPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (spare_ != nullptr) {
      SendRecord* const record = spare_;
      spare_ = record->next;
      --count_;
      return record;
    }
  }
  return new SendRecord;
}

void SendRecordPool::give_back(SendRecord* record) noexcept {
  record->buffers.clear();
  record->retained.clear();
  record->token = 0;
  record->datagram_flags = DatagramSendFlags::None;
  record->in_msquic = false;
  {
    const std::lock_guard lock(mutex_);
    if (count_ < kMostSpare) {
      record->next = spare_;
      spare_ = record;
      ++count_;
      return;
    }
  }
  delete record;
}

}  // namespace msquic_py::quic
