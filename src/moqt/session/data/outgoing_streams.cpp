#include "moqt/session/data/outgoing_streams.h"

namespace msquic_py::moqt::session {

OutgoingStream& OutgoingStreams::allocate() {
  if (free_slots_.empty()) {
    auto stream = std::make_unique<OutgoingStream>();
    stream->slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::move(stream));
    free_slots_.push_back(slots_.back()->slot);
  }
  OutgoingStream& stream = *slots_[free_slots_.back()];
  free_slots_.pop_back();
  stream.live = true;
  return stream;
}

void OutgoingStreams::recycle(OutgoingStream& stream) {
  stream.pending.clear();
  stream.pending_bytes = stream.outstanding_bytes = 0;
  stream.last_object.reset();
  stream.payload_left = stream.written = stream.appended_bytes = 0;
  stream.undelivered.clear();
  stream.own_object_timeout.reset();
  stream.own_subgroup_timeout.reset();
  stream.object_timeout = stream.subgroup_timeout = 0;
  stream.published = false;
  stream.published_since.reset();
  stream.ends.clear();
  stream.retired.reset();
  stream.lane = nullptr;
  stream.feeder = nullptr;
  stream.feed_wanted = stream.begun = false;
  stream.opened = stream.fin = stream.closed = stream.live = stream.unmoved = stream.stalled = false;
  stream.step = 0;
  stream.cap = 0;
  ++stream.generation;
  free_slots_.push_back(stream.slot);
}

OutgoingStream* OutgoingStreams::find(StreamHandle handle) const noexcept {
  const auto slot = static_cast<std::uint32_t>(handle.value) - 1;
  if (slot >= slots_.size()) return nullptr;
  OutgoingStream* stream = slots_[slot].get();
  return stream->live && stream->handle() == handle ? stream : nullptr;
}

}  // namespace msquic_py::moqt::session
