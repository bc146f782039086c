#include "bulk_source.h"

#include <algorithm>
#include <vector>

#include "protocol.h"

namespace msquic_py::bench {

namespace {

/// All pieces are the same bytes, under one description.
QUIC_BUFFER& whole_piece() {
  static std::vector<std::uint8_t> bytes(kPieceSize, 0x5a);
  static QUIC_BUFFER piece{kPieceSize, bytes.data()};
  return piece;
}

}  // namespace

void BulkSource::start(HQUIC stream, std::uint64_t bytes) {
  left_ = bytes;
  for (int i = 0; i < kPiecesOutstanding; ++i) piece_sent(stream);
}

void BulkSource::piece_sent(HQUIC stream) {
  if (ended_) return;
  const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(left_, kPieceSize));
  left_ -= size;
  ended_ = left_ == 0;
  if (ended_) last_ = {size, whole_piece().Buffer};
  // A failure means that the stream is over; its own event tells.
  api_->StreamSend(stream, ended_ ? &last_ : &whole_piece(), 1, ended_ ? QUIC_SEND_FLAG_FIN : QUIC_SEND_FLAG_NONE,
                   nullptr);
}

}  // namespace msquic_py::bench
