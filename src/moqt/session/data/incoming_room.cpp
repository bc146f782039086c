// What is stopped when the peer has more streams open than there is room for [d15 §12.1].
#include <cstddef>
#include <tuple>

#include "moqt/session/data/incoming_data.h"

namespace msquic_py::moqt::session {

namespace {

/// Of the lowest priority, of the track with the most streams, between two objects, idle for longest, oldest.
bool less_urgent(const IncomingStream& left, const IncomingStream& right) noexcept {
  const auto rank = [](const IncomingStream& stream) {
    const bool between_objects = stream.payload_left == 0 && !stream.mid_header;
    const std::size_t siblings = stream.track != nullptr ? stream.track->streams_open : 1;  // a fetch has one stream
    return std::tuple(stream.properties.publisher_priority.value_or(128), siblings, between_objects);
  };
  const auto left_rank = rank(left);
  const auto right_rank = rank(right);
  if (left_rank != right_rank) return left_rank > right_rank;
  return std::tuple(left.last_progress, left.id) < std::tuple(right.last_progress, right.id);
}

}  // namespace

void IncomingData::make_room(IncomingStream& newcomer) {  // [d15 §12.1-1]
  std::size_t live = 0;
  IncomingStream* victim = nullptr;
  for (const auto& [id, stream] : streams_) {
    if (stream->state != State::kDiscarding) ++live;  // one that was stopped waits for the peer's reset
    if (stream->attributed() && (victim == nullptr || less_urgent(*stream, *victim))) victim = stream.get();
  }
  if (live <= config_.limits.max_incoming_streams) return;
  if (victim != nullptr) return stop(victim->id, StreamResetCode::kInternalError);
  give_up(newcomer, StreamResetCode::kInternalError);
}

}  // namespace msquic_py::moqt::session
