#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "moqt/session/data/outgoing_stream.h"
#include "moqt/session/handles.h"

namespace msquic_py::moqt::session {

/// The records of all streams that this endpoint writes. A record is used again once its stream has ended, so that a
/// new stream costs no allocation; old handles are recognised by their generation.
class OutgoingStreams {
 public:
  OutgoingStream& allocate();
  /// The stream has ended: its handle is stale from now on.
  void recycle(OutgoingStream& stream);
  /// Null for a stale handle.
  [[nodiscard]] OutgoingStream* find(StreamHandle handle) const noexcept;

  /// Calls `visit` for every live stream; it may recycle the one it is given.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& stream : slots_) {
      if (stream->live) visit(*stream);
    }
  }
  /// Calls `visit` for every live stream of one subscription.
  template <class Visit>
  void for_each_of(const OutgoingLane& lane, Visit visit) const {
    for_each([&](OutgoingStream& stream) {
      if (stream.lane == &lane) visit(stream);
    });
  }

 private:
  std::vector<std::unique_ptr<OutgoingStream>> slots_;
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace msquic_py::moqt::session
