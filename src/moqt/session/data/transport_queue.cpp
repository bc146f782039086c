#include "moqt/session/data/transport_queue.h"

#include <algorithm>

namespace msquic_py::moqt::session {

namespace {

/// A send is not made smaller than this at the edge of the window: tiny sends cost more than they save.
constexpr std::size_t kSmallestSend = 4096;
/// What every subscription may have in the transport's hands, whatever the others have: MsQuic shares the path among
/// streams of one priority, eight packets of each in turn, so that one which sends little need not wait for its turn
/// here.
constexpr std::size_t kShare = 12 * 1024;
constexpr std::size_t kProbablySent = 4096;
/// How far a subscription may be behind an equal one and still be made up for: one that had nothing to send for long
/// does not keep the others out when it has.
constexpr std::uint64_t kMostOwed = 4 * kShare;
/// Datagrams can't be overtaken once they are given.
constexpr std::size_t kMostDatagrams = 8192;
/// What a stream gets after the peer's flow control held it up, doubled while it moves.
constexpr std::size_t kFirstCap = 4096;
constexpr std::size_t kLastCap = 128 * 1024;

std::uint16_t urgency_of(const OutgoingStream& stream) noexcept {
  if (stream.lane == nullptr) return stream.rung;  // its subscription is gone: it stays where it was
  return stream.urgency();
}

bool before(const OutgoingStream& left, const OutgoingStream& right) noexcept { return StreamBefore{}(left, right); }

}  // namespace

void TransportQueue::open(OutgoingStream& stream) {
  stream.opened = true;
  stream.place = streams_.size();
  stream.rung = urgency_of(stream);
  const bool moved = ladder_.join(stream.rung);
  stream.told = ladder_.priority(stream.rung, stream.step);
  streams_.push_back(&stream);
  if (moved) {
    for (OutgoingStream* each : streams_) tell(*each);
  }
}

void TransportQueue::close(OutgoingStream& stream) noexcept {
  if (!stream.opened) return;
  take_back(stream, stream.outstanding_bytes);
  ladder_.leave(stream.rung);
  OutgoingStream* const last = streams_.back();
  streams_[stream.place] = last;
  last->place = stream.place;
  streams_.pop_back();
  stream.opened = false;
}

void TransportQueue::reorder(OutgoingStream& stream) {
  const std::uint16_t urgency = urgency_of(stream);
  if (!stream.opened || urgency == stream.rung) return;
  const std::size_t counted = stream.stalled ? 0 : stream.outstanding_bytes;
  ladder_.at(stream.rung).bytes -= counted;
  ladder_.leave(stream.rung);
  stream.rung = urgency;
  stream.step = 0;
  const bool moved = ladder_.join(urgency);
  ladder_.at(urgency).bytes += counted;
  tell(stream);
  if (moved) {
    for (OutgoingStream* each : streams_) tell(*each);
  }
}

void TransportQueue::arrange(OutgoingStream& stream) {
  const OutgoingLane& lane = *stream.lane;
  if (lane.view->outstanding_bytes == stream.outstanding_bytes) {
    // Alone among its equals, it comes when it comes, and another thread need not hear of it.
    const bool in_line = held_up();  // where balance() has put it
    if (!stream.opened || (!in_line && window_.reaches(outstanding_) && ladder_.at(stream.rung).streams > 1))
      set_step(stream, 0);
    return;
  }
  const std::uint16_t urgency = urgency_of(stream);
  bool shared = false;  // with an equal subscription
  std::size_t earlier = 0;
  earlier_.clear();
  behind_.clear();
  for (OutgoingStream* other : streams_) {
    if (other == &stream || other->rung != urgency) continue;
    if (other->lane != &lane) {
      shared = true;
    } else if (other->outstanding_bytes != 0) {
      const bool later = before(stream, *other);
      (later ? behind_ : earlier_).push_back(other);
      if (!later) earlier += other->outstanding_bytes;
    }
  }
  std::uint16_t step = 0;
  // A step down puts a subscription that sends little behind all that its equals send, and what little is left of its
  // earlier streams has probably left.
  if (!shared || earlier > kProbablySent || window_.held_up()) {
    for (const OutgoingStream* other : earlier_) step = std::max<std::uint16_t>(step, other->step + 1);
    if (step >= PriorityLadder::kSteps) step = put_in_line(earlier_, 0, /*close_up=*/true);
  }
  // Changes nothing for nothing, nor what balance() has done.
  if (!shared || held_up() || !window_.reaches(outstanding_)) step = std::max(step, stream.step);
  set_step(stream, step);
  static_cast<void>(put_in_line(behind_, stream.step + 1, /*close_up=*/false));
}

// Flow control of the connection admits little at a time, and a transport that takes turns begins each time anew: whose
// turn comes last gets what is left over, every time.
void TransportQueue::balance() {  // [d15 §7.2-3]
  served_ = false;
  earlier_.clear();
  for (OutgoingStream* stream : streams_) {
    if (stream->lane != nullptr && stream->outstanding_bytes != 0) earlier_.push_back(stream);
  }
  std::sort(earlier_.begin(), earlier_.end(), [](const OutgoingStream* left, const OutgoingStream* right) {
    if (left->rung != right->rung) return left->rung < right->rung;
    if (left->lane == right->lane) return before(*left, *right);
    if (left->lane->delivered != right->lane->delivered) return left->lane->delivered < right->lane->delivered;
    return left->lane->subscription.value < right->lane->subscription.value;
  });
  for (std::size_t first = 0, end = 0; first < earlier_.size(); first = end) {
    end = first + 1;
    while (end < earlier_.size() && earlier_[end]->rung == earlier_[first]->rung) ++end;
    if (earlier_[first]->lane == earlier_[end - 1]->lane) continue;
    const std::uint64_t most = earlier_[end - 1]->lane->delivered;
    for (std::size_t i = first; i < end; ++i) {
      OutgoingLane& lane = *earlier_[i]->lane;
      if (lane.delivered + kMostOwed < most) lane.delivered = most - kMostOwed;
      set_step(*earlier_[i], static_cast<std::uint16_t>(std::min<std::size_t>(i - first, PriorityLadder::kSteps)));
    }
  }
}

// Gives streams of one subscription steps in their order, from `step` on, without gaps if `close_up`; else those that
// are far enough stay. Gives the step after the last one.
std::uint16_t TransportQueue::put_in_line(std::vector<OutgoingStream*>& streams, std::uint16_t step, bool close_up) {
  std::sort(streams.begin(), streams.end(),
            [](const OutgoingStream* left, const OutgoingStream* right) { return before(*left, *right); });
  for (OutgoingStream* stream : streams) {
    if (close_up || stream->step < step) set_step(*stream, step);
    step = stream->step + 1;
  }
  return step;
}

void TransportQueue::set_step(OutgoingStream& stream, std::uint16_t step) {
  stream.step = std::min<std::uint16_t>(step, PriorityLadder::kSteps - 1);
  if (stream.opened) tell(stream);
}

void TransportQueue::tell(OutgoingStream& stream) {
  const std::uint16_t priority = ladder_.priority(stream.rung, stream.step);
  if (priority == stream.told) return;
  stream.told = priority;
  changes_.push({stream.handle(), priority});
}

bool TransportQueue::next_change(Action& action) {
  if (changes_.empty()) return false;
  action = changes_.pop();
  return true;
}

std::size_t TransportQueue::ahead_of(const OutgoingStream& stream) const noexcept {
  return datagrams_ + ladder_.bytes_up_to(urgency_of(stream));
}

// Later streams of the same subscription don't hold an earlier one up: it goes before them in the transport, too.
std::size_t TransportQueue::behind_in_lane(const OutgoingStream& stream) const noexcept {
  if (stream.lane->view->outstanding_bytes == stream.outstanding_bytes) return 0;
  const std::uint16_t urgency = urgency_of(stream);
  std::size_t bytes = 0;
  for (const OutgoingStream* other : streams_) {
    if (other->lane == stream.lane && other->rung == urgency && other != &stream && !other->stalled &&
        before(stream, *other))
      bytes += other->outstanding_bytes;
  }
  return bytes;
}

std::size_t TransportQueue::room_for(const OutgoingStream& stream) const noexcept {
  const std::size_t window = window_.bytes();
  if (window == 0) return 0;
  std::size_t ahead = ahead_of(stream);
  if (ahead >= window) {
    const std::size_t behind = behind_in_lane(stream);
    ahead -= std::min(behind, ahead);
    const std::size_t own = stream.lane->view->outstanding_bytes;
    if (ahead >= window && own - std::min(behind, own) >= std::min(kShare, window)) return 0;
  }
  const std::size_t room = ahead < window ? window - ahead : 0;
  return std::max(stream.cap == 0 ? room : std::min(room, stream.cap), kSmallestSend);
}

bool TransportQueue::would_fall_behind(const OutgoingStream& stream) const noexcept {
  const std::uint16_t urgency = urgency_of(stream);
  if (!stream.opened || stream.outstanding_bytes == 0 || urgency <= stream.rung) return false;
  return ladder_.bytes_before(urgency) > ladder_.bytes_up_to(stream.rung);
}

bool TransportQueue::has_room_for_datagram(const OutgoingLane& lane) const noexcept {
  const std::size_t window = window_.bytes();
  if (window == 0 || datagrams_ >= std::min(kMostDatagrams, window)) return false;
  const auto urgency = static_cast<std::uint16_t>((lane.view->subscriber_priority << 8) | lane.datagram_priority());
  return ladder_.bytes_before(urgency) == 0 || datagrams_ + ladder_.bytes_up_to(urgency) < window;
}

void TransportQueue::give(OutgoingStream& stream, std::size_t bytes) noexcept {
  stream.outstanding_bytes += bytes;
  stream.lane->view->outstanding_bytes += bytes;
  ladder_.at(stream.rung).bytes += bytes;
  outstanding_ += bytes;
  if (bytes > window_.largest_send()) window_.note_send(bytes);
}

void TransportQueue::take_back(OutgoingStream& stream, std::size_t bytes) noexcept {
  PriorityLadder::Rung& rung = ladder_.at(stream.rung);
  if (stream.stalled) {
    stream.stalled = false;
    rung.bytes += stream.outstanding_bytes;
    outstanding_ += stream.outstanding_bytes;
    stalled_ -= stream.outstanding_bytes;
  }
  stream.unmoved = false;
  stream.outstanding_bytes -= bytes;
  rung.bytes -= bytes;
  outstanding_ -= bytes;
  if (outstanding_ == 0) window_.note_idle();
  if (stream.lane != nullptr) {
    stream.lane->view->outstanding_bytes -= bytes;
    stream.lane->delivered += bytes;
    served_ = true;
  }
  if (stream.cap != 0 && stream.outstanding_bytes == 0) {
    stream.cap *= 2;
    if (stream.cap > kLastCap) stream.cap = 0;
  }
}

bool TransportQueue::stalls(OutgoingStream& stream) noexcept {
  if (stream.stalled || stream.outstanding_bytes == 0) return false;
  if (!stream.unmoved) {
    stream.unmoved = true;  // until some of it is acknowledged
    return false;
  }
  stream.stalled = true;
  stream.cap = kFirstCap;
  ladder_.at(stream.rung).bytes -= stream.outstanding_bytes;
  outstanding_ -= stream.outstanding_bytes;
  stalled_ += stream.outstanding_bytes;
  return true;
}

}  // namespace msquic_py::moqt::session
