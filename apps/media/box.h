#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace msquic_py::apps {

/// The header of an ISO base media file format box (ISO/IEC 14496-12 section 4.2).
struct BoxHeader {
  std::uint32_t type = 0;       ///< four characters, big-endian, as from four_cc()
  std::uint64_t size = 0;       ///< of the whole box, header included; 0 means "to the end of the file"
  std::size_t header_size = 0;  ///< 8, or 16 with a 64-bit size
};

constexpr std::uint32_t four_cc(const char (&text)[5]) noexcept {
  return (std::uint32_t{static_cast<std::uint8_t>(text[0])} << 24) |
         (std::uint32_t{static_cast<std::uint8_t>(text[1])} << 16) |
         (std::uint32_t{static_cast<std::uint8_t>(text[2])} << 8) | std::uint32_t{static_cast<std::uint8_t>(text[3])};
}

/// The header at the beginning of `bytes`; nothing when it is not complete yet.
/// A size smaller than its own header is returned as it stands: the caller refuses it.
std::optional<BoxHeader> read_box_header(base::Bytes bytes) noexcept;

struct Box {
  std::uint32_t type = 0;
  base::Bytes payload;
};

/// The first of `boxes`, taken off it; nothing when there is no whole, possible box at its beginning.
std::optional<Box> take_box(base::Bytes& boxes) noexcept;

/// The payload of the first child of type `type` among the boxes in `children`; nothing when there is none.
std::optional<base::Bytes> find_box(base::Bytes children, std::uint32_t type) noexcept;

/// Calls `visit` with the payload of each box of type `type` in `children`.
template <class Visit>
void for_each_box(base::Bytes children, std::uint32_t type, Visit visit) {
  while (const auto box = take_box(children)) {
    if (box->type == type) visit(box->payload);
  }
}

}  // namespace msquic_py::apps
