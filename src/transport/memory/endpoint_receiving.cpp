#include <algorithm>
#include <cassert>
#include <utility>

#include "transport/memory/endpoint.h"
#include "transport/memory/handles.h"

namespace msquic_py::transport::memory {

namespace {

constexpr Direction direction_of(std::uint64_t id) noexcept {
  return (id & 2) == 0 ? Direction::Bidirectional : Direction::Unidirectional;
}
constexpr bool opened_by_server(std::uint64_t id) noexcept { return (id & 1) != 0; }

}  // namespace

void Endpoint::receive(const Packet& packet) {
  if (link_->is_cut()) return;
  // What overtook the end of the handshake waits for it.
  if (!connected_) return later([packet](Endpoint& self) { self.receive(packet); }, round_trip_);
  if (closing_) return;
  acknowledge(packet.number);
  if (const auto* datagram = std::get_if<Datagram>(&packet.content)) {
    return handler_->on_datagram(datagram->bytes.view());
  }
  const auto& piece = std::get<StreamPiece>(packet.content);
  const StreamPointer stream = find_or_accept(piece.id);
  if (!stream || !stream->in) return;
  if (!stream->in->receive(piece.chunk)) {
    CloseReason reason;
    reason.cause = CloseReason::Cause::Transport;
    reason.message = "the peer has sent more on a stream than it was admitted";
    return finish(reason);
  }
  if (!stream->in->paused) deliver(stream);
  give_credit(*stream);
  close_if_done(*stream);
}

// An acknowledgement names what earlier ones named that may have been lost (RFC 9000 section 13.2.3).
void Endpoint::acknowledge(std::uint64_t number) {
  received_.push_back(number);
  const auto send = [](Endpoint& self) {
    if (self.link_->is_cut() || self.received_.empty()) return;
    if (const auto peer = self.peer_.lock()) {
      peer->later(
          [numbers = std::exchange(self.received_, {})](Endpoint& there) {
            for (const std::uint64_t each : numbers) {
              if (!there.link_->is_cut() && !there.closed_) there.on_acknowledged(each);
            }
          },
          self.path().latency + self.link_->random().up_to(self.path().jitter));
    }
  };
  if (!link_->random().chance(path().loss_per_million)) return send(*this);
  later(send, round_trip_ * 3 / 2);  // unless another packet comes before
}

Endpoint::StreamPointer Endpoint::find_or_accept(std::uint64_t id) {
  if (opened_by_server(id) != server_) {
    // A stream makes those known that the peer opened before it (RFC 9000 section 3.2).
    while (accepted_[index_of(direction_of(id))] <= id / 4) accept(id);
  }
  const auto found = streams_by_id_.find(id);
  return found == streams_by_id_.end() ? nullptr : found->second;
}

void Endpoint::accept(std::uint64_t id) {
  const Direction direction = direction_of(id);
  const std::uint64_t index = accepted_[index_of(direction)]++;
  assert(index < own_count_[index_of(direction)]);
  auto stream = std::make_shared<StreamState>();
  stream->direction = direction;
  stream->number = next_number_++;
  stream->id = index * 4 + (id & 3);
  stream->in.emplace(admission().stream_window);
  if (direction == Direction::Bidirectional) stream->out.emplace(peer_admission().stream_window);
  streams_.emplace(stream->number, stream);
  streams_by_id_.emplace(*stream->id, stream);
  stream->key =
      handler_->on_peer_stream({std::make_unique<StreamOfMemory>(shared_from_this(), stream), *stream->id, direction});
  if (!stream->key) abandon(*stream);
}

void Endpoint::deliver(const StreamPointer& stream, bool last) {
  if (!stream->key) return;
  IncomingHalf& in = *stream->in;
  if (last) in.paused = false;
  while (!in.paused && !in.done() && !in.stopped()) {
    auto available = in.available();
    if (available.size == 0 && !available.fin) break;
    // Whoever reads a stream must not depend on how it is cut.
    if (!last && available.size > 1 && link_->random().chance(300'000)) {
      available.size = link_->random().between(1, available.size - 1);
      available.fin = false;
      std::uint64_t left = available.size;
      std::size_t count = 0;
      for (base::Bytes& chunk : available.chunks) {
        chunk = chunk.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk.size())));
        left -= chunk.size();
        ++count;
        if (left == 0) break;
      }
      available.chunks.resize(count);
    }
    stream->resumed = false;
    const std::uint64_t taken = handler_->on_received(
        *stream->key, {.size = available.size, .chunks = available.chunks, .fin = available.fin, .last = last});
    if (in.stopped()) break;
    in.consume(taken, available.fin && taken == available.size);
    if (taken < available.size) {
      in.paused = !stream->resumed;
      if (last) break;
    }
  }
}

void Endpoint::resume(const StreamPointer& stream) {
  stream->resumed = true;
  if (!stream->in || stream->closed || !std::exchange(stream->in->paused, false)) return;
  later([stream](Endpoint& self) {
    if (stream->closed || stream->in->paused) return;
    self.deliver(stream);
    self.give_credit(*stream);
    self.close_if_done(*stream);
  });
}

void Endpoint::give_credit(StreamState& stream) {
  if (!stream.in) return;
  if (const auto limit = stream.in->take_new_limit()) {
    tell_peer([id = *stream.id, limit = *limit](Endpoint& there) {
      const auto found = there.streams_by_id_.find(id);
      if (found == there.streams_by_id_.end() || !found->second->out) return;
      found->second->out->raise_limit(limit);
      there.pump_later();
    });
  }
  connection_read_ += stream.in->take_read();
  const std::uint64_t window = admission().connection_window;
  if (connection_admitted_ - connection_read_ > window / 2) return;
  connection_admitted_ = connection_read_ + window;
  tell_peer([limit = connection_admitted_](Endpoint& there) {
    there.connection_limit_ = std::max(there.connection_limit_, limit);
    there.pump_later();
  });
}

void Endpoint::stop(StreamState& stream, std::uint64_t code) {
  if (closing_ || stream.closed || !stream.id || !stream.in || stream.in->done() || stream.in->stopped()) return;
  stream.in->stop();
  give_credit(stream);
  tell_peer([id = *stream.id, code](Endpoint& there) { there.on_stop(id, code); });
}

void Endpoint::on_reset(std::uint64_t id, std::uint64_t code, std::uint64_t final_size) {
  const StreamPointer stream = find_or_accept(id);
  if (!stream || !stream->in || stream->in->done()) return;
  const bool unheard = stream->in->stopped() || !stream->key;
  stream->in->reset(final_size);
  give_credit(*stream);
  if (!unheard) handler_->on_peer_reset(*stream->key, code);
  close_if_done(*stream);
}

void Endpoint::on_stop(std::uint64_t id, std::uint64_t code) {
  const StreamPointer stream = find_or_accept(id);
  if (!stream || !stream->out || stream->out->was_reset() || stream->out->all_arrived()) return;
  if (stream->key) handler_->on_peer_stop(*stream->key, code);
  reset(*stream, 0);
}

void Endpoint::close_if_done(StreamState& stream) {
  if (stream.closed) return;
  if (stream.out && !stream.out->all_arrived() && !stream.reset_arrived) return;
  if (stream.in && !stream.in->finished()) return;
  stream.closed = true;
  if (!stream.local) {
    const std::uint64_t count = ++own_count_[index_of(stream.direction)];
    tell_peer([direction = stream.direction, count](Endpoint& there) { there.raise_stream_count(direction, count); });
  }
  later([key = stream.key, number = stream.number](Endpoint& self) {
    const auto found = self.streams_.find(number);
    if (found == self.streams_.end()) return;
    self.streams_by_id_.erase(*found->second->id);
    self.streams_.erase(found);
    if (key) self.handler_->on_stream_closed(*key, /*with_connection=*/false);
  });
}

}  // namespace msquic_py::transport::memory
