#include "moqt/wire/stream_header_decoder.h"

#include <algorithm>

#include "moqt/wire/codec.h"

namespace msquic_py::moqt::wire {

// NOLINTNEXTLINE(performance-unnecessary-value-param): the rest of the chunk is kept
base::Decoded<StreamHeader> StreamHeaderDecoder::feed(base::SharedBytes chunk) {
  const std::size_t before = size_;
  const std::size_t taken = std::min(chunk.size(), bytes_.size() - size_);
  std::copy_n(chunk.data(), taken, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += taken;
  auto decoded = codec_->decode_stream_header(base::Bytes(bytes_.data(), size_));
  if (!decoded) return decoded.failure<StreamHeader>();
  if (decoded->size >= before) {
    rest_ = chunk.from(decoded->size - before);
  } else {
    base::ByteVector all(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(before));
    all.insert(all.end(), chunk.view().begin(), chunk.view().end());
    rest_ = base::SharedBytes::copy_of(base::Bytes(all).subspan(decoded->size));
  }
  return decoded->header;
}

}  // namespace msquic_py::moqt::wire
