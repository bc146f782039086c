#include <algorithm>
#include <utility>

#include "transport/local/handles.h"
#include "transport/local/pair.h"

namespace msquic_py::transport::local {

namespace {

/// Whether the end `side` hears of what becomes of the stream.
bool knows(const StreamState& stream, Side side) noexcept { return side == stream.opener || !stream.refused; }

}  // namespace

void Pair::work(Lock& lock) {
  if (working_) return;  // whoever is at work, perhaps this thread further up, comes to it
  working_ = true;
  const auto self = shared_from_this();  // handlers may let go of the last handle
  while (!events_.empty()) {
    batch_.swap(events_);
    for (Event& event : batch_) handle(event, lock);
    batch_.clear();
  }
  working_ = false;
}

void Pair::handle(Event& event, Lock& lock) {
  if (!handlers_[kClient]) return;  // the end has been told; nothing comes after it
  switch (event.kind) {
    case Event::Kind::Connected: return tell_connected(lock);
    case Event::Kind::Start: return tell_started(event.stream, lock);
    case Event::Kind::Deliver: return deliver(event.stream, event.side, lock);
    case Event::Kind::Cancel: return cancel(*event.stream, event.side, lock);
    case Event::Kind::Reset: return tell_reset(event.stream, event.side, event.code, lock);
    case Event::Kind::Stop: return tell_stop(event.stream, event.side, event.code, lock);
    case Event::Kind::Datagram: return tell_datagram(event, lock);
    case Event::Kind::Close: return finish(event.side, event.code, lock);
  }
}

void Pair::tell_connected(Lock& lock) {
  lock.unlock();
  for (const Side side : {kClient, kServer}) {
    ConnectionHandler& at = *handlers_[side];
    at.on_datagram_size(options_.largest_datagram);
    at.on_connected({.protocol = options_.protocol,
                     .path = {},
                     .resumed = false,
                     .priorities = false,
                     .datagrams = options_.largest_datagram > 0,
                     .reliable_resets = false,
                     .reports = true});
    reports_[side] = at.wants_reports();
    if (reports_[side]) at.on_report({.congestion_window = options_.window});
    at.on_streams_admitted(options_.bidirectional_streams);
  }
  lock.lock();
}

void Pair::tell_started(const StreamPointer& stream, Lock& lock) {
  const Side peer = other(stream->opener);
  lock.unlock();
  const auto key = handlers_[peer]->on_peer_stream(
      {.stream = stream_handle(shared_from_this(), stream, peer), .id = stream->id, .direction = stream->direction});
  lock.lock();
  if (key) {
    stream->keys[peer] = *key;
    return;
  }
  stream->refused = true;
  if (stream->direction == Direction::Bidirectional) give_up(stream, peer, Event::Kind::Reset, peer, 0);
  give_up(stream, stream->opener, Event::Kind::Stop, peer, 0);
}

void Pair::deliver(const StreamPointer& stream, Side writer, Lock& lock) {
  Half& half = stream->halves[writer];
  half.scheduled = false;
  if (half.given_up || half.over) return;
  const Side reader = other(writer);
  offered_.swap(half.waiting);
  const bool fin = half.fin;
  std::uint64_t size = 0;
  views_.clear();
  for (const base::SharedBytes& slice : offered_) {
    views_.push_back(slice.view());
    size += slice.size();
  }
  if (size == 0 && !fin) return;
  half.resumed = false;
  lock.unlock();
  const std::uint64_t taken = std::min(
      size, handlers_[reader]->on_received(stream->keys[reader], {.size = size, .chunks = views_, .fin = fin}));
  lock.lock();
  if (half.given_up) {  // meanwhile
    offered_.clear();
    return;
  }
  half.taken += taken;
  posted_[writer] -= taken;
  if (taken == size) {
    offered_.clear();
    half.over = fin;
  } else {
    // What is left goes before what has been sent meanwhile.
    std::uint64_t skip = taken;
    std::size_t whole = 0;
    while (skip >= offered_[whole].size()) skip -= offered_[whole++].size();
    offered_.erase(offered_.begin(), offered_.begin() + static_cast<std::ptrdiff_t>(whole));
    offered_.front() = offered_.front().from(static_cast<std::size_t>(skip));
    offered_.insert(offered_.end(), half.waiting.begin(), half.waiting.end());
    half.waiting.clear();
    half.waiting.swap(offered_);
    half.paused = !half.resumed;
  }
  if (!half.over && !half.paused && !(half.waiting.empty() && !half.fin)) schedule(stream, writer);
  complete(*stream, writer, lock);
  close_if_over(stream, lock);
}

// Reports the sends of which everything has been taken.
void Pair::complete(StreamState& stream, Side writer, Lock& lock) {
  Half& half = stream.halves[writer];
  completed_.clear();
  while (!half.sends.empty() && half.sends.front().end <= half.taken && (!half.sends.front().fin || half.over)) {
    completed_.push_back(half.sends.front());
    half.sends.pop_front();
  }
  if (completed_.empty()) return;
  const std::uint64_t posted = posted_[writer];
  lock.unlock();
  ConnectionHandler& at = *handlers_[writer];
  for (const Half::Send& send : completed_) at.on_sent(stream.keys[writer], send.token, false);
  if (reports_[writer])
    at.on_report({.posted_bytes = posted, .bytes_in_flight = posted, .congestion_window = options_.window});
  lock.lock();
}

void Pair::tell_reset(const StreamPointer& stream, Side writer, std::uint64_t code, Lock& lock) {
  cancel(*stream, writer, lock);
  stream->halves[writer].over = true;
  const Side reader = other(writer);
  if (knows(*stream, reader)) {
    lock.unlock();
    handlers_[reader]->on_peer_reset(stream->keys[reader], code);
    lock.lock();
  }
  close_if_over(stream, lock);
}

void Pair::tell_stop(const StreamPointer& stream, Side reader, std::uint64_t code, Lock& lock) {
  const Side writer = other(reader);
  cancel(*stream, writer, lock);
  stream->halves[writer].over = true;
  if (knows(*stream, writer)) {
    lock.unlock();
    handlers_[writer]->on_peer_stop(stream->keys[writer], code);
    lock.lock();
  }
  close_if_over(stream, lock);
}

void Pair::cancel(StreamState& stream, Side writer, Lock& lock) {
  completed_.assign(stream.halves[writer].sends.begin(), stream.halves[writer].sends.end());
  stream.halves[writer].sends.clear();
  lock.unlock();
  for (const Half::Send& send : completed_) handlers_[writer]->on_sent(stream.keys[writer], send.token, true);
  lock.lock();
}

void Pair::tell_datagram(Event& event, Lock& lock) {
  lock.unlock();
  handlers_[other(event.side)]->on_datagram(event.bytes);
  handlers_[event.side]->on_datagram_sent(event.code, false);
  lock.lock();
}

void Pair::close_if_over(const StreamPointer& stream, Lock& lock) {
  if (stream->closed || !stream->halves[kClient].over || !stream->halves[kServer].over) return;
  stream->closed = true;
  streams_.erase(stream->id);
  const Side opener = stream->opener;
  const std::size_t kind = kind_of(stream->direction);
  --running_[opener][kind];
  if (auto& queued = queued_[opener][kind]; !queued.empty()) {
    const StreamPointer next = std::move(queued.front());
    queued.pop_front();
    start(next);
  }
  const std::uint64_t left =
      options_.bidirectional_streams - std::min(options_.bidirectional_streams, running_[opener][1]);
  lock.unlock();
  for (const Side side : {kClient, kServer}) {
    if (knows(*stream, side)) handlers_[side]->on_stream_closed(stream->keys[side], false);
  }
  if (stream->direction == Direction::Bidirectional) handlers_[opener]->on_streams_admitted(left);
  lock.lock();
}

void Pair::finish(Side side, std::uint64_t code, Lock& lock) {
  std::vector<StreamPointer> left;
  for (auto& [id, stream] : streams_) left.push_back(std::move(stream));
  streams_.clear();
  for (auto& by_kind : queued_) {
    for (auto& queued : by_kind) queued.clear();
  }
  for (const StreamPointer& stream : left) {
    for (const Side writer : {kClient, kServer}) {
      stream->halves[writer].waiting.clear();
      cancel(*stream, writer, lock);
      stream->halves[writer].over = true;
    }
  }
  const std::string reason = std::move(close_reason_);
  auto handlers = std::exchange(handlers_, {});
  lock.unlock();
  for (const StreamPointer& stream : left) {
    if (!stream->started) continue;
    for (const Side each : {kClient, kServer}) {
      if (knows(*stream, each)) handlers[each]->on_stream_closed(stream->keys[each], true);
    }
  }
  for (const Side each : {kClient, kServer}) {
    using Cause = CloseReason::Cause;
    handlers[each]->on_closed(
        {.cause = each == side ? Cause::LocalApplication : Cause::PeerApplication,
         .remote = each != side,
         .code = code,
         .reason = reason,
         .message = each == side ? "this end has closed the connection" : "the other end has closed the connection",
         .handshake_completed = true});
  }
  handlers.fill(nullptr);  // without the lock: they may hold handles of this connection
  lock.lock();
}

}  // namespace msquic_py::transport::local
