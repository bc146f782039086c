#pragma once

#include <cstdint>

#include "base/shared_bytes.h"
#include "base/slab.h"
#include "moqt/model/draft.h"

namespace msquic_py::moqt::objects {

class StoredGroup;
struct StoredObject;

/// An object in the words of another draft than the one in which it came. Its payload is not in here, but for a
/// datagram.
struct ObjectForm {
  Draft draft = Draft::k15;
  /// The header from the Object ID Delta on; of an object that travels as a datagram, everything behind the Track
  /// Alias.
  base::SharedBytes wire;
  std::uint32_t delta_size = 0;
  std::uint64_t datagram_type = 0;
  bool sayable = true;  ///< false: the draft has no words for the object
};

/// The header of `object` for the subgroup streams of that draft, made once for all who receive it there. Null when the
/// draft cannot say it. `has_extensions`: the objects of the stream have extension blocks.
const ObjectForm* stream_form(StoredObject& object, Draft draft, bool has_extensions, base::SlabArena& arena);
/// The same of an object that travels as a datagram.
const ObjectForm* datagram_form(StoredObject& object, Draft draft, const StoredGroup& group, base::SlabArena& arena);
/// Its extensions, raw pairs, for a FETCH of that draft; empty also when they cannot be said there.
base::SharedBytes extensions_for(const StoredObject& object, Draft draft, base::SlabArena& arena);

}  // namespace msquic_py::moqt::objects
