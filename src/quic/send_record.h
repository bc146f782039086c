#pragma once

#include <msquic.h>

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "quic/datagram_send_flags.h"

namespace msquic_py::quic {

/// What MsQuic points to while a send is under way: the buffer list, and the references that keep the bytes alive.
struct SendRecord {
  SendRecord* next = nullptr;
  std::uint64_t token = 0;
  DatagramSendFlags datagram_flags = DatagramSendFlags::None;
  bool in_msquic = false;            // of a datagram: counted as such by its DatagramQueue
  std::vector<QUIC_BUFFER> buffers;  // capacity survives reuse
  std::vector<base::SharedBytes> retained;

  [[nodiscard]] std::uint64_t size() const noexcept;
  /// Leaves empty slices out: MsQuic gains nothing from them.
  void add(base::Bytes bytes);
};

/// Spare send records of one connection, so that a warmed-up connection sends without allocating.
class SendRecordPool {
 public:
  SendRecordPool() = default;
  SendRecordPool(const SendRecordPool&) = delete;
  SendRecordPool& operator=(const SendRecordPool&) = delete;
  ~SendRecordPool();

  SendRecord* take();
  /// Drops what the record retains.
  void give_back(SendRecord* record) noexcept;

 private:
  static constexpr std::uint32_t kMostSpare = 1024;
  std::mutex mutex_;
  SendRecord* spare_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace msquic_py::quic
