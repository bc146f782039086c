#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace msquic_py::apps {

/// One frame of the length-framed format: a 32-bit big-endian length, then that many bytes.
/// A length of 0 carries nothing and says that the next frame begins a new group.
struct LengthFrame {
  base::ByteVector bytes;
  bool starts_group = false;
};

/// Reads length-framed input that arrives in pieces.
class LengthFramedReader {
 public:
  static constexpr std::uint32_t kMaxFrame = 64u * 1024 * 1024;

  void push(base::Bytes bytes);
  /// The next complete frame, nothing when more bytes are needed, or an error for a length over kMaxFrame.
  base::Result<std::optional<LengthFrame>, std::string> next();
  /// True when the input may end here: no frame is half read.
  [[nodiscard]] bool at_boundary() const noexcept { return consumed_ == buffer_.size(); }

 private:
  base::ByteVector buffer_;
  std::size_t consumed_ = 0;
  bool group_pending_ = true;  ///< the first frame begins the first group
};

/// Appends `frame` to `out`, preceded by a group mark when `starts_group`.
void append_length_framed(base::ByteVector& out, base::Bytes frame, bool starts_group);

}  // namespace msquic_py::apps
