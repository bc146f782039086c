#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/shared_bytes.h"

namespace msquic_py::moqt::wire {

/// The unread part of a stream: the current chunk, and in front of it the bytes of a header that earlier chunks
/// left incomplete. Only such headers are ever copied.
class ChunkCursor {
 public:
  /// The current chunk has been read to its end.
  void feed(base::SharedBytes chunk) noexcept;

  [[nodiscard]] bool starved() const noexcept { return position_ == chunk_.size(); }
  /// Whether the beginning of a header is kept.
  [[nodiscard]] bool mid_header() const noexcept { return !kept_.empty(); }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_.size(); }

  /// The header bytes at hand. When a beginning is kept, only a little more of the chunk is shown behind it.
  [[nodiscard]] base::Bytes header_bytes() const noexcept;
  /// header_bytes() were not enough. True: call it again, there are more now. False: everything at hand is kept and
  /// the next chunk has to come.
  bool extend_header();
  /// The first `size` of header_bytes(), consumed. By reference when nothing was kept, else a copy.
  base::SharedBytes take_header(std::size_t size);
  /// At most `limit` bytes of payload, consumed, by reference.
  base::SharedBytes take_payload(std::uint64_t limit) noexcept;

 private:
  base::SharedBytes chunk_;
  std::size_t position_ = 0;
  base::ByteVector kept_;  ///< keeps its capacity from header to header
};

}  // namespace msquic_py::moqt::wire
