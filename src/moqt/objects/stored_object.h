#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/object_status.h"
#include "moqt/objects/object_form.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// An object as a track store keeps it: what the draft says of it, and its bytes as they came. `wire` is what every
/// receiver of the same draft gets; only the Object ID Delta in front depends on the stream.
struct StoredObject {
  std::uint64_t id = 0;
  std::uint64_t payload_length = 0;
  std::uint64_t payload_arrived = 0;  ///< bytes of the payload that are here
  /// When its header came: timeouts count from then [d15 §9.2.1.2]. Nothing (Time{}) until somebody tells the time.
  session::Time since{};
  /// From the Object ID Delta on: the header and what came of the payload with it. Of an object that travels as a
  /// datagram: everything behind the Track Alias.
  base::SharedBytes wire;
  std::vector<base::SharedBytes> more;  ///< the payload behind `wire`
  std::uint32_t delta_size = 0;         ///< 0 for a datagram
  std::uint32_t header_size = 0;
  std::uint32_t extensions_offset = 0;  ///< of the pairs, in `wire`
  std::uint32_t extensions_size = 0;
  /// Of `wire`; forms for sessions of other drafts are made when somebody needs them.
  std::unique_ptr<std::vector<ObjectForm>> forms;
  Draft draft = Draft::k15;
  ObjectStatus status = ObjectStatus::kNormal;
  std::uint8_t publisher_priority = 128;
  std::uint8_t datagram_type = 0;  ///< what `wire` has, for an object that travels as a datagram
  bool fetched = false;            ///< came by FETCH only: subscriptions do not get it
  bool arriving = false;           ///< a FETCH is bringing the rest of it
  bool follows = false;            ///< no object of the subgroup lies between it and the one stored before it

  [[nodiscard]] bool complete() const noexcept { return payload_arrived == payload_length; }
  [[nodiscard]] base::SharedBytes extensions() const noexcept { return wire.slice(extensions_offset, extensions_size); }
  /// Bytes of the payload that `wire` has.
  [[nodiscard]] std::size_t first_piece() const noexcept { return wire.size() - header_size; }
  /// Bytes of the payload that are here behind `wire`.
  [[nodiscard]] std::size_t behind_first_piece() const noexcept {
    return static_cast<std::size_t>(payload_arrived) - first_piece();
  }
  /// The payload from `offset` on, as far as it lies in one piece; empty when no more is here.
  [[nodiscard]] base::SharedBytes payload_at(std::uint64_t offset) const noexcept;
  /// Whether `bytes` of the payload that begin at `offset` are those that are here, as far as any are.
  [[nodiscard]] bool agrees(std::uint64_t offset, base::Bytes bytes) const noexcept;
  /// Takes `bytes` of the payload that begin at `offset` in; what is here already is left out. Returns how many were
  /// new. A gap before them is not filled: nothing is taken.
  std::size_t extend(std::uint64_t offset, const base::SharedBytes& bytes);
  /// Of header and payload, without this record.
  [[nodiscard]] std::size_t bytes() const noexcept { return header_size + static_cast<std::size_t>(payload_arrived); }
  /// Copies what shares a slab with others into `arena`, so that it holds on to nothing else.
  void compact(base::SlabArena& arena);
  /// Drops all bytes, keeps the room.
  void clear() noexcept;
};

}  // namespace msquic_py::moqt::objects
