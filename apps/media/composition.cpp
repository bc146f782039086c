#include "media/composition.h"

#include <algorithm>
#include <optional>

#include "base/byte_reader.h"
#include "media/box.h"

namespace msquic_py::apps {
namespace {

std::optional<std::uint32_t> read_word(base::ByteReader& reader) noexcept {
  const auto high = reader.read_u16();
  const auto low = reader.read_u16();
  if (!high || !low) return std::nullopt;
  return (std::uint32_t{*high} << 16) | *low;
}

std::int64_t lowest_of_run(base::Bytes run) noexcept {
  base::ByteReader reader(run);
  const auto flags = read_word(reader);
  const auto samples = read_word(reader);
  if (!flags || !samples || (*flags & 0x800) == 0) return 0;
  if ((*flags & 0x1) != 0) (void)reader.read_bytes(4);
  if ((*flags & 0x4) != 0) (void)reader.read_bytes(4);
  const std::size_t before = ((*flags & 0x100) ? 4u : 0u) + ((*flags & 0x200) ? 4u : 0u) + ((*flags & 0x400) ? 4u : 0u);
  std::int64_t lowest = 0;
  for (std::uint32_t i = 0; i < *samples; ++i) {
    if (!reader.read_bytes(before)) break;
    const auto offset = read_word(reader);
    if (!offset) break;
    lowest = std::min(lowest, std::int64_t{static_cast<std::int32_t>(*offset)});
  }
  return lowest;
}

}  // namespace

std::int64_t lowest_composition_offset(base::Bytes chunk, std::uint32_t track) noexcept {
  std::int64_t lowest = 0;
  for_each_box(chunk, four_cc("moof"), [&](base::Bytes moof) {
    for_each_box(moof, four_cc("traf"), [&](base::Bytes traf) {
      const auto header = find_box(traf, four_cc("tfhd"));
      if (!header) return;
      base::ByteReader reader(*header);
      (void)read_word(reader);
      if (read_word(reader) != track) return;
      for_each_box(traf, four_cc("trun"), [&](base::Bytes run) { lowest = std::min(lowest, lowest_of_run(run)); });
    });
  });
  return lowest;
}

}  // namespace msquic_py::apps
