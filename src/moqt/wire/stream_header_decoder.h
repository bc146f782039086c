#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt/wire/subgroup.h"

namespace msquic_py::moqt::wire {

struct Codec;
const Codec& codec_for(Draft draft) noexcept;

using StreamHeader = std::variant<SubgroupHeader, FetchHeader>;

/// Finds out what a unidirectional stream is. Feed it chunks until it has the header, then give rest() to the
/// decoder of that kind of stream. Holds at most 33 bytes.
class StreamHeaderDecoder {
 public:
  explicit StreamHeaderDecoder(const Codec& codec) noexcept : codec_(&codec) {}
  explicit StreamHeaderDecoder(Draft draft) noexcept : StreamHeaderDecoder(codec_for(draft)) {}

  /// Takes the next chunk of the stream. After a value or a violation it must not be called again.
  base::Decoded<StreamHeader> feed(base::SharedBytes chunk);

  /// What of the last chunk lies behind the header; valid after feed() gave a value.
  [[nodiscard]] base::SharedBytes rest() const noexcept { return rest_; }
  /// Whether a byte of the header has arrived. A stream that ends before is malformed only if so.
  [[nodiscard]] bool started() const noexcept { return size_ > 0; }

 private:
  static constexpr std::size_t kMaxHeaderSize = 4 * 8 + 1;

  const Codec* codec_;
  std::array<std::uint8_t, kMaxHeaderSize> bytes_{};
  std::size_t size_ = 0;
  base::SharedBytes rest_;
};

}  // namespace msquic_py::moqt::wire
