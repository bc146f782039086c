#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "quic/stream_handler.h"

namespace msquic_py::quic {

/// Bytes of a stream that MsQuic has handed over and its handler has not taken, the oldest first. They are not copied:
/// MsQuic neither moves nor frees them before they are completed, or the stream's handle is closed. The peer gets no
/// credit for them, so there are never more than the flow control window admits.
class UnreadBytes {
 public:
  /// What the handler left of `offered`.
  UnreadBytes(const ReceivedData& offered, std::uint64_t taken);

  void add(std::span<const base::Bytes> chunks, bool fin, bool early_data);
  /// The handler took the first `bytes`.
  void drop(std::uint64_t bytes) noexcept;
  [[nodiscard]] ReceivedData view() const noexcept;

 private:
  std::vector<base::Bytes> chunks_;
  std::uint64_t offset_;  // of the first byte in the stream
  std::uint64_t size_ = 0;
  bool fin_;
  bool early_data_;
};

}  // namespace msquic_py::quic
