#pragma once

#include <cstdint>

#include "msquic_api.h"

namespace msquic_py::bench {

/// Sends bytes on a stream and ends it, with kPiecesOutstanding pieces handed over at any time. All calls come
/// from MsQuic's thread for that stream.
class BulkSource {
 public:
  explicit BulkSource(const MsQuicApi& api) : api_(api) {}
  BulkSource(const BulkSource&) = delete;
  BulkSource& operator=(const BulkSource&) = delete;

  void start(HQUIC stream, std::uint64_t bytes);
  /// On SEND_COMPLETE that was not cancelled.
  void piece_sent(HQUIC stream);

 private:
  const MsQuicApi& api_;
  std::uint64_t left_ = 0;
  QUIC_BUFFER last_{};
  bool ended_ = false;
};

}  // namespace msquic_py::bench
