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

/// From draft 17 on: the stream is the control stream of the peer. What announces it is the type of its first message,
/// SETUP, so that nothing of the stream has been consumed.
struct ControlStreamHeader {
  bool operator==(const ControlStreamHeader&) const = default;
};
/// From draft 18 on: whatever follows means nothing.
struct PaddingStreamHeader {
  bool operator==(const PaddingStreamHeader&) const = default;
};

using StreamHeader = std::variant<SubgroupHeader, FetchHeader, ControlStreamHeader, PaddingStreamHeader>;

/// Finds out what a unidirectional stream is. Feed it chunks until it has the header, then give rest() to the
/// decoder of that kind of stream. Holds at most 37 bytes.
class StreamHeaderDecoder {
 public:
  explicit StreamHeaderDecoder(const Codec& codec) noexcept : codec_(&codec) {}
  explicit StreamHeaderDecoder(Draft draft) noexcept : StreamHeaderDecoder(codec_for(draft)) {}

  /// Takes the next chunk of the stream. After a value or a violation it must not be called again.
  base::Decoded<StreamHeader> feed(base::SharedBytes chunk);

  /// What lies behind the header of what has been fed; valid after feed() gave a value. A slice of the last chunk, but
  /// of a control stream whose first bytes came in pieces a copy.
  [[nodiscard]] base::SharedBytes rest() const noexcept { return rest_; }
  /// Whether a byte of the header has arrived. A stream that ends before is malformed only if so.
  [[nodiscard]] bool started() const noexcept { return size_ > 0; }

 private:
  static constexpr std::size_t kMaxHeaderSize = 4 * 9 + 1;

  const Codec* codec_;
  std::array<std::uint8_t, kMaxHeaderSize> bytes_{};
  std::size_t size_ = 0;
  base::SharedBytes rest_;
};

}  // namespace msquic_py::moqt::wire
