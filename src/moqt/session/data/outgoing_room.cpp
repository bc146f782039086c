// What is cancelled when more streams are open than there is room for [d15 §12.1].
#include <tuple>

#include "moqt/session/data/outgoing_data.h"

namespace msquic_py::moqt::session {

namespace {

/// Which of two streams is cancelled first; see Session::open_subgroup().
bool less_urgent(const OutgoingStream& left, const OutgoingStream& right) noexcept {
  const auto rank = [](const OutgoingStream& stream) {
    const PublishedSubscription& view = *stream.lane->view;
    return std::tuple(view.subscriber_priority, stream.priority(), view.open_streams,
                      stream.pending_bytes == 0 && !stream.wants_feed());
  };
  const auto left_rank = rank(left);
  const auto right_rank = rank(right);
  return left_rank != right_rank ? left_rank > right_rank : left.written < right.written;
}

}  // namespace

bool OutgoingData::make_room(OutgoingStream& candidate, RingQueue<Event>& events) {  // [d15 §12.1-1]
  OutgoingStream* victim = &candidate;
  streams_.for_each([&](OutgoingStream& stream) {
    if (!stream.closed && stream.lane != nullptr && less_urgent(stream, *victim)) victim = &stream;
  });
  const auto code = static_cast<std::uint64_t>(StreamResetCode::kInternalError);
  OutgoingFetch* const fetch = victim->lane->fetch.get();
  if (fetch != nullptr) {
    fetch->lost = true;  // its request reports it
  } else if (victim != &candidate) {
    events.push(OutgoingStreamStopped{victim->lane->subscription, victim->handle(), code,
                                      OutgoingStreamStopped::Cause::kNoRoom});
  }
  if (!victim->opened && fetch == nullptr) {
    // The subscriber has to learn that there is a subgroup that it does not get: a stream that carries nothing.
    transport_.open(*victim);
    ++victim->lane->view->streams_opened;
    resets_.push(OpenStream{victim->handle(), victim->told});
  }
  const bool room = victim != &candidate;
  OutgoingLane& lane = *victim->lane;
  reset(*victim, code, UnsentCause::kNoRoom);
  note_drained(lane);
  return room;
}

}  // namespace msquic_py::moqt::session
