#include "moqt/objects/stored_object.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::objects {

base::SharedBytes StoredObject::payload_at(std::uint64_t offset) const noexcept {
  if (offset < first_piece()) return wire.from(header_size + static_cast<std::size_t>(offset));
  offset -= first_piece();
  for (const base::SharedBytes& piece : more) {
    if (offset < piece.size()) return piece.from(static_cast<std::size_t>(offset));
    offset -= piece.size();
  }
  return {};
}

bool StoredObject::agrees(std::uint64_t offset, base::Bytes bytes) const noexcept {
  while (!bytes.empty() && offset < payload_arrived) {
    const base::SharedBytes piece = payload_at(offset);
    const std::size_t size = std::min(piece.size(), bytes.size());
    if (size == 0) break;
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size), piece.view().begin()))
      return false;
    offset += size;
    bytes = bytes.subspan(size);
  }
  return true;
}

std::size_t StoredObject::extend(std::uint64_t offset, const base::SharedBytes& bytes) {
  if (offset > payload_arrived || offset + bytes.size() <= payload_arrived) return 0;
  const auto known = static_cast<std::size_t>(payload_arrived - offset);
  const std::size_t added = bytes.size() - known;
  base::SharedBytes piece = known == 0 ? bytes : bytes.from(known);
  // A slice that goes on where the last one ended, in the same slab, becomes part of it.
  base::SharedBytes& last = more.empty() ? wire : more.back();
  if (!last.append(piece)) more.push_back(std::move(piece));
  payload_arrived += added;
  return added;
}

void StoredObject::compact(base::SlabArena& arena) {
  if (!wire.fills_slab()) wire = arena.copy(wire);
  const std::vector<base::SharedBytes> pieces = std::move(more);
  more.clear();
  for (const base::SharedBytes& piece : pieces) {
    base::SharedBytes kept = piece.fills_slab() ? piece : arena.copy(piece);
    // The payload's first piece begins where `wire` ends: pieces are known by their place, not by their number.
    if (more.empty() || !more.back().append(kept)) more.push_back(std::move(kept));
  }
}

void StoredObject::clear() noexcept {
  wire = {};
  forms.reset();
  more.clear();
}

}  // namespace msquic_py::moqt::objects
