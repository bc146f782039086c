// What goes to the transport next, and what comes back from it.
#include <algorithm>
#include <utility>

#include "moqt/session/data/outgoing_data.h"

namespace msquic_py::moqt::session {

namespace {

/// The most of one send while others wait, too: equal subscriptions alternate.
constexpr std::size_t kMostAmongOthers = 4 * 1024;
/// The most of one send of a stream that is alone.
constexpr std::size_t kMostAlone = 64 * 1024;
/// Bytes of one turn. What a send takes beyond them is missing from the next turn.
constexpr std::size_t kTurn = 4 * 1024;

}  // namespace

bool OutgoingData::has_work() const noexcept {
  return !resets_.empty() || std::any_of(lanes_.begin(), lanes_.end(), [](const auto& entry) {
    return !entry.second->streams.empty() || !entry.second->datagrams.empty();
  });
}

bool OutgoingData::next_reset(Action& action) {
  if (resets_.empty()) return false;
  action = resets_.pop();
  return true;
}

bool OutgoingData::next_action(Time now, Action& action) {
  if (next_reset(action)) return true;
  const std::uint64_t turns_before = turns_;
  const auto passes = [&](OutgoingLane& lane) {  // [d15 §7.2-3]
    // What a subscription has in the transport's hands is its turn already: an equal one may have room for more.
    if (ready_.size() == 1 || lane.turn > turns_before) return false;
    lane.turn = ++turns_;
    reschedule(lane);
    return true;
  };
  while (!ready_.empty()) {
    OutgoingLane& lane = ready_.top();
    if (lane.datagram_first()) {
      if (!transport_.has_room_for_datagram(lane)) {
        if (passes(lane)) continue;
        break;
      }
      if (send_datagram_of(lane, action)) return true;
      continue;
    }
    OutgoingStream& stream = lane.streams.top();
    const bool waits = lane.fetch && transport_.would_fall_behind(stream);
    const std::size_t room = waits ? 0 : transport_.room_for(stream);
    if (room == 0) {
      if (passes(lane)) continue;
      break;
    }
    if (stream.wants_feed() && stream.backlog().has_room()) {
      feed(stream, now);
      continue;
    }
    if (lane.fetch) transport_.reorder(stream);
    transport_.arrange(stream);
    if (!stream.opened) {
      transport_.open(stream);
      ++lane.view->streams_opened;
      action = OpenStream{stream.handle(), stream.told};
      return true;
    }
    if (transport_.next_change(action)) return true;
    send_from(lane, stream, room, action.emplace<SendStream>());
    return true;
  }
  if (transport_.next_change(action)) return true;
  if (ready_.empty()) {
    transport_.stop_waiting();
    return false;
  }
  bool changed = false;
  transport_.wait(now, [&](OutgoingStream& stream) {
    changed = true;
    reschedule(stream);
  });
  return changed && next_action(now, action);
}

bool OutgoingData::send_datagram_of(OutgoingLane& lane, Action& action) {
  const auto size_of = [](const QueuedDatagram& datagram) {
    return datagram.prefix.size() + datagram.after_alias.size();
  };
  if (size_of(lane.datagrams.front()) > max_datagram_size_) {  // the path has become narrower while it waited
    drop_datagram(lane, UnsentCause::kTooLarge);
    reschedule(lane);
    note_drained(lane);
    return false;
  }
  QueuedDatagram datagram = lane.datagrams.pop();
  const std::size_t size = size_of(datagram);
  lane.view->queued_bytes -= size;
  count(lane, size);
  reschedule(lane);
  note_drained(lane);
  transport_.give_datagram(size);
  auto& send = action.emplace<SendDatagram>();
  send.slices.push(std::move(datagram.prefix));
  if (!datagram.after_alias.empty()) send.slices.push(std::move(datagram.after_alias));
  return true;
}

void OutgoingData::count(OutgoingLane& lane, std::size_t bytes) noexcept {
  lane.served += bytes;
  if (lane.served < kTurn) return;
  lane.served = lane.served < 2 * kTurn ? lane.served - kTurn : 0;  // nobody waited while it took so much
  lane.turn = ++turns_;
}

void OutgoingData::send_from(OutgoingLane& lane, OutgoingStream& stream, std::size_t room, SendStream& out) {
  out.stream = stream.handle();
  std::size_t most = ready_.size() > 1 ? kMostAmongOthers : transport_.largest_send();
  // Nobody else waits, and there is room for all of it: in pieces it would not go sooner, and nothing would be lost by
  // a more urgent stream that comes now, which overtakes it at the transport.
  const bool alone = ready_.size() == 1 && lane.streams.size() == 1 && lane.datagrams.empty();
  if (alone && stream.pending_bytes <= std::min(room, kMostAlone)) most = std::max(most, stream.pending_bytes);
  std::size_t budget = std::min(room, most);
  if (lane.fetch) {  // what comes after objects of this priority may not be worth as much
    if (const auto same = lane.fetch->bytes_of_priority(stream.handed_bytes()); same && *same < budget)
      budget = static_cast<std::size_t>(*same);
  }
  while (!stream.pending.empty() && !out.slices.full() && out.slices.bytes() < budget) {
    const std::size_t left = budget - out.slices.bytes();
    if (stream.pending.front().size() <= left) {
      out.slices.push(stream.pending.pop());
    } else {
      base::SharedBytes& front = stream.pending.front();
      out.slices.push(front.slice(0, left));
      front = front.from(left);
    }
  }
  const std::size_t sent = out.slices.bytes();
  stream.pending_bytes -= sent;
  lane.view->queued_bytes -= sent;
  while (!stream.ends.empty() && stream.ends.front() <= stream.handed_bytes()) (void)stream.ends.pop();
  transport_.give(stream, sent);
  count(lane, sent);
  if (stream.fin && stream.pending.empty()) {
    out.fin = true;
    stream.closed = true;
    --lane.view->open_streams;
    --open_streams_;
  }
  if (lane.fetch) follow_priority(stream);
  reschedule(stream);
  reschedule(lane);
  if (stream.closed) {
    note_drained(lane);
    if (stream.outstanding_bytes == 0) release(stream);
  }
}

void OutgoingData::on_sent(StreamHandle handle, std::size_t bytes) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->opened) return;  // it was reset, and its bytes were taken off the window then
  const bool was_held_up = stream->held_up();
  const std::size_t arrived = std::min(bytes, stream->outstanding_bytes);
  if (stream->lane != nullptr) stream->lane->view->arrived_bytes += arrived;
  transport_.take_back(*stream, arrived);
  if (stream->closed && stream->outstanding_bytes == 0) return release(*stream);
  if (stream->retired && stream->delivered_bytes() == stream->appended_bytes) {
    (void)reset(handle, *stream->retired);
  } else if (was_held_up) {
    reschedule(*stream);
  }
}

void OutgoingData::push(OutgoingStream& stream, const base::SharedBytes& bytes) {
  stream.pending_bytes += bytes.size();
  stream.appended_bytes += bytes.size();
  if (stream.lane != nullptr) stream.lane->view->queued_bytes += bytes.size();
  // Objects that came one after the other mostly lie so in memory, too: together they are one slice for all that
  // follows, the transport and its acknowledgement included.
  if (!stream.pending.empty() && stream.pending.back().append(bytes)) return;
  stream.pending.push(bytes);
}

void OutgoingData::reschedule(OutgoingStream& stream) {
  OutgoingLane* lane = stream.lane;
  if (lane == nullptr) return;
  if (stream.has_work()) {
    if (lane->streams.contains(stream)) return;  // more of the same stream: no key has changed
    // The lane is out of its heap while its key may change.
    ready_.erase(*lane);
    lane->streams.insert(stream);
  } else {
    ready_.erase(*lane);
    lane->streams.erase(stream);
  }
  reschedule(*lane);
}

void OutgoingData::reschedule(OutgoingLane& lane) {
  if (lane.has_work()) {
    ready_.insert_or_update(lane);
  } else {
    ready_.erase(lane);
  }
}

}  // namespace msquic_py::moqt::session
