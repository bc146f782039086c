#include "media/edits.h"

#include <algorithm>
#include <optional>

#include "media/box.h"

namespace msquic_py::apps {
namespace {

std::uint32_t u32(base::Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

std::optional<std::uint32_t> track_id(base::Bytes trak) {
  const auto header = find_box(trak, four_cc("tkhd"));
  if (!header || header->empty()) return std::nullopt;
  const std::size_t at = (*header)[0] == 1 ? 20 : 12;
  return header->size() >= at + 4 ? std::optional(u32(*header, at)) : std::nullopt;
}

std::size_t pieces(base::Bytes trak) {
  const auto edits = find_box(trak, four_cc("edts"));
  const auto list = edits ? find_box(*edits, four_cc("elst")) : std::nullopt;
  if (!list || list->size() < 8) return 0;
  const std::size_t width = (*list)[0] == 1 ? 8 : 4;  // of a duration, and of a time
  const std::size_t entry = 2 * width + 4;
  const std::size_t count = std::min<std::size_t>(u32(*list, 4), (list->size() - 8) / entry);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const base::Bytes time = list->subspan(8 + i * entry + width, width);
    const bool empty = std::all_of(time.begin(), time.end(), [](std::uint8_t byte) { return byte == 0xff; });
    found += empty ? 0 : 1;
  }
  return found;
}

}  // namespace

std::vector<std::uint32_t> tracks_of_several_pieces(base::Bytes moov) {
  std::vector<std::uint32_t> found;
  for_each_box(moov, four_cc("trak"), [&found](base::Bytes trak) {
    const auto id = track_id(trak);
    if (id && pieces(trak) > 1) found.push_back(*id);
  });
  return found;
}

}  // namespace msquic_py::apps
