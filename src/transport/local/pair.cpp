#include "transport/local/pair.h"

#include <new>
#include <utility>

namespace msquic_py::transport::local {

Pair::Pair(Options options, std::shared_ptr<ConnectionHandler> at_client, std::shared_ptr<ConnectionHandler> at_server)
    : options_(std::move(options)), handlers_{std::move(at_client), std::move(at_server)} {}

void Pair::begin() {
  Lock lock(mutex_);
  tell(nullptr, Event::Kind::Connected, kClient, 0);
  work(lock);
}

Result<StreamPointer> Pair::open(Side side, Direction direction, StreamKey key) {
  const Lock lock(mutex_);
  if (closing_) return base::Failure{TransportError::ConnectionClosing};
  // Numbered as QUIC does (RFC 9000 section 2.1), so that no two of the connection are alike.
  const std::uint64_t number = opened_[side][kind_of(direction)]++;
  const std::uint64_t id = number * 4 + (direction == Direction::Unidirectional ? 2 : 0) + (side == kServer ? 1 : 0);
  try {
    auto stream = std::make_shared<StreamState>(id, direction, side, key);
    streams_.emplace(id, stream);
    return stream;
  } catch (const std::bad_alloc&) {
    return base::Failure{TransportError::OutOfMemory};
  }
}

Result<void> Pair::send(const StreamPointer& stream, Side side, std::span<const base::SharedBytes> slices, bool fin,
                        std::uint64_t token) {
  Lock lock(mutex_);
  if (closing_) return base::Failure{TransportError::ConnectionClosing};
  Half& half = stream->halves[side];
  if (!half.takes()) return base::Failure{TransportError::StreamEnded};
  std::uint64_t size = 0;
  for (const base::SharedBytes& slice : slices) size += slice.size();
  if (size == 0 && !fin) return {};
  const std::size_t before = half.waiting.size();
  try {
    for (const base::SharedBytes& slice : slices) {
      if (!slice.empty()) half.waiting.push_back(slice);
    }
    half.sends.push_back({half.posted + size, token, fin});
  } catch (const std::bad_alloc&) {
    half.waiting.resize(before);
    return base::Failure{TransportError::OutOfMemory};
  }
  half.posted += size;
  posted_[side] += size;
  half.fin = fin;
  if (stream->wanted) {
    schedule(stream, side);
  } else {
    want(stream);
  }
  work(lock);
  return {};
}

void Pair::reset(const StreamPointer& stream, Side side, std::uint64_t code) {
  Lock lock(mutex_);
  if (closing_) return;
  give_up(stream, side, Event::Kind::Reset, side, code);
  work(lock);
}

void Pair::stop(const StreamPointer& stream, Side side, std::uint64_t code) {
  Lock lock(mutex_);
  if (closing_) return;
  give_up(stream, other(side), Event::Kind::Stop, side, code);
  work(lock);
}

void Pair::resume(const StreamPointer& stream, Side side) {
  Lock lock(mutex_);
  if (closing_) return;
  Half& half = stream->halves[other(side)];
  half.resumed = true;  // it may be called while the half is being offered what it takes too little of
  if (!half.paused) return;
  half.paused = half.resumed = false;
  schedule(stream, other(side));
  work(lock);
}

void Pair::abandon(const StreamPointer& stream, Side side) {
  Lock lock(mutex_);
  if (closing_) return;
  if (!stream->wanted) {  // the peer never heard of it
    streams_.erase(stream->id);
    return;
  }
  if (!stream->halves[side].fin) give_up(stream, side, Event::Kind::Reset, side, 0);
  give_up(stream, other(side), Event::Kind::Stop, side, 0);
  work(lock);
}

Result<void> Pair::send_datagram(Side side, std::span<const base::SharedBytes> slices, std::uint64_t token) {
  Lock lock(mutex_);
  if (closing_) return base::Failure{TransportError::ConnectionClosing};
  if (options_.largest_datagram == 0) return base::Failure{TransportError::DatagramsUnavailable};
  std::size_t size = 0;
  for (const base::SharedBytes& slice : slices) size += slice.size();
  if (size > options_.largest_datagram) return base::Failure{TransportError::DatagramTooLarge};
  try {
    base::SharedBytes whole;
    if (slices.size() == 1) {
      whole = slices.front();
    } else {
      base::ByteVector joined;
      joined.reserve(size);
      for (const base::SharedBytes& slice : slices)
        joined.insert(joined.end(), slice.data(), slice.data() + slice.size());
      whole = base::SharedBytes::copy_of(joined);
    }
    events_.push_back(
        {.kind = Event::Kind::Datagram, .side = side, .stream = nullptr, .code = token, .bytes = std::move(whole)});
  } catch (const std::bad_alloc&) {
    return base::Failure{TransportError::OutOfMemory};
  }
  work(lock);
  return {};
}

void Pair::close(Side side, std::uint64_t code, std::string_view reason) {
  Lock lock(mutex_);
  if (closing_) return;
  closing_ = true;
  close_reason_ = reason;
  tell(nullptr, Event::Kind::Close, side, code);
  work(lock);
}

// The peer is to know of the stream, as soon as it admits it.
void Pair::want(const StreamPointer& stream) {
  stream->wanted = true;
  const std::size_t kind = kind_of(stream->direction);
  if (running_[stream->opener][kind] < admitted(stream->direction)) return start(stream);
  queued_[stream->opener][kind].push_back(stream);
}

void Pair::start(const StreamPointer& stream) {
  stream->started = true;
  ++running_[stream->opener][kind_of(stream->direction)];
  tell(stream, Event::Kind::Start, stream->opener, 0);
  schedule(stream, stream->opener);
  for (const Side writer : {kClient, kServer}) {
    const Half& half = stream->halves[writer];
    if (half.reset) tell(stream, Event::Kind::Reset, writer, *half.reset);
    if (half.stop) tell(stream, Event::Kind::Stop, other(writer), *half.stop);
  }
}

void Pair::tell(const StreamPointer& stream, Event::Kind kind, Side side, std::uint64_t code) {
  events_.push_back({.kind = kind, .side = side, .stream = stream, .code = code, .bytes = {}});
}

void Pair::schedule(const StreamPointer& stream, Side writer) {
  Half& half = stream->halves[writer];
  if (!stream->started || half.scheduled || half.paused || half.given_up || half.over) return;
  half.scheduled = true;
  tell(stream, Event::Kind::Deliver, writer, 0);
}

void Pair::give_up(const StreamPointer& stream, Side writer, Event::Kind how, Side side, std::uint64_t code) {
  Half& half = stream->halves[writer];
  if (half.given_up || half.over) return;
  half.given_up = true;
  posted_[writer] -= half.posted - half.taken;
  half.taken = half.posted;  // nobody waits for it any more
  half.waiting.clear();
  if (stream->started) return tell(stream, how, side, code);
  (how == Event::Kind::Reset ? half.reset : half.stop) = code;
  if (!stream->wanted) return want(stream);
  tell(stream, Event::Kind::Cancel, writer, 0);
}

}  // namespace msquic_py::transport::local
