#include "media/box.h"

namespace msquic_py::apps {
namespace {

std::uint64_t big_endian(base::Bytes bytes) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  return value;
}

}  // namespace

std::optional<BoxHeader> read_box_header(base::Bytes bytes) noexcept {
  if (bytes.size() < 8) return std::nullopt;
  BoxHeader header;
  header.size = big_endian(bytes.first(4));
  header.type = static_cast<std::uint32_t>(big_endian(bytes.subspan(4, 4)));
  header.header_size = 8;
  if (header.size == 1) {
    if (bytes.size() < 16) return std::nullopt;
    header.size = big_endian(bytes.subspan(8, 8));
    header.header_size = 16;
  }
  return header;
}

std::optional<Box> take_box(base::Bytes& boxes) noexcept {
  const auto header = read_box_header(boxes);
  if (!header) return std::nullopt;
  const std::uint64_t size = header->size == 0 ? boxes.size() : header->size;
  if (size < header->header_size || size > boxes.size()) return std::nullopt;
  const base::Bytes whole = boxes.first(static_cast<std::size_t>(size));
  boxes = boxes.subspan(whole.size());
  return Box{header->type, whole.subspan(header->header_size)};
}

std::optional<base::Bytes> find_box(base::Bytes children, std::uint32_t type) noexcept {
  while (const auto box = take_box(children)) {
    if (box->type == type) return box->payload;
  }
  return std::nullopt;
}

}  // namespace msquic_py::apps
