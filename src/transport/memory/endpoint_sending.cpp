#include <algorithm>
#include <utility>

#include "transport/memory/endpoint.h"

namespace msquic_py::transport::memory {

namespace {

/// What a packet carries beside its payload.
constexpr std::size_t kPacketHeader = 40;
/// More datagrams than this wait no longer: the oldest is dropped for a newer one.
constexpr std::size_t kMostDatagrams = 64;

std::size_t size_of(std::span<const base::SharedBytes> slices) noexcept {
  std::size_t size = 0;
  for (const base::SharedBytes& slice : slices) size += slice.size();
  return size;
}

}  // namespace

void Endpoint::start(StreamState& stream) {
  if (stream.id || !stream.local) return;
  const std::size_t direction = index_of(stream.direction);
  const std::uint64_t index = started_[direction]++;
  stream.id = index * 4 + (server_ ? 1U : 0U) + direction * 2;
  stream.admitted = index < peer_count_[direction];
  streams_by_id_.emplace(*stream.id, streams_.at(stream.number));
}

void Endpoint::raise_stream_count(Direction direction, std::uint64_t count) {
  std::uint64_t& admitted = peer_count_[index_of(direction)];
  admitted = std::max(admitted, count);
  for (const auto& [number, stream] : streams_) {
    if (!stream->local || !stream->id || stream->admitted || stream->direction != direction) continue;
    stream->admitted = *stream->id / 4 < admitted;
    if (stream->admitted && stream->reset_waits) send_reset(*stream, *std::exchange(stream->reset_waits, std::nullopt));
  }
  if (direction == Direction::Bidirectional) tell_streams_admitted();
  pump_later();
}

void Endpoint::tell_streams_admitted() {
  const std::size_t direction = index_of(Direction::Bidirectional);
  handler_->on_streams_admitted(peer_count_[direction] - std::min(peer_count_[direction], started_[direction]));
}

bool Endpoint::send(StreamState& stream, std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) {
  if (stream.closed || !stream.out || !stream.out->append(slices, fin, token)) return false;
  start(stream);
  posted_ += size_of(slices);
  pump_later();
  return true;
}

void Endpoint::send_datagram(std::span<const base::SharedBytes> slices, std::uint64_t token) {
  base::ByteVector bytes;
  for (const base::SharedBytes& slice : slices) bytes.insert(bytes.end(), slice.data(), slice.data() + slice.size());
  datagrams_.push_back({base::SharedBytes::copy_of(bytes), token});
  if (datagrams_.size() > kMostDatagrams) {
    const std::uint64_t dropped = datagrams_.front().token;
    datagrams_.pop_front();
    later([dropped](Endpoint& self) { self.handler_->on_datagram_sent(dropped, /*canceled=*/true); });
  }
  pump_later();
}

void Endpoint::prioritize(StreamState& stream, std::uint16_t priority) { stream.priority = priority; }

void Endpoint::reset(StreamState& stream, std::uint64_t code) {
  if (closing_ || stream.closed || !stream.out || stream.out->was_reset() || stream.out->all_arrived()) return;
  start(stream);
  auto given_up = stream.out->abandon();
  if (!given_up.empty() && stream.key) {
    later([key = *stream.key, given_up = std::move(given_up)](Endpoint& self) {
      self.report_sent(key, given_up, /*canceled=*/true);
    });
  }
  if (stream.admitted) {
    send_reset(stream, code);
  } else {
    stream.reset_waits = code;
  }
}

void Endpoint::send_reset(StreamState& stream, std::uint64_t code) {
  const std::uint64_t id = *stream.id;
  tell_peer([id, code, final_size = stream.out->sent()](Endpoint& there) {
    there.on_reset(id, code, final_size);
    there.tell_peer([id](Endpoint& here) {
      const auto found = here.streams_by_id_.find(id);
      if (found == here.streams_by_id_.end()) return;
      found->second->reset_arrived = true;
      here.close_if_done(*found->second);
    });
  });
}

void Endpoint::pump_later() {
  if (pump_comes_ || closed_) return;
  pump_comes_ = true;
  later([](Endpoint& self) { self.pump(); });
}

StreamState* Endpoint::next_stream() {
  StreamState* best = nullptr;
  for (const auto& [number, stream] : streams_) {
    if (!stream->id || !stream->admitted || !stream->out || !stream->out->sendable(credit())) continue;
    if (best == nullptr || stream->priority > best->priority ||
        (stream->priority == best->priority && stream->served < best->served)) {
      best = stream.get();
    }
  }
  return best;
}

void Endpoint::pump() {
  pump_comes_ = false;
  if (!connected_ || closing_) return;
  while (congestion_.has_room()) {
    const Time now = link_->timeline().now();
    if (const Time next = congestion_.next_at(); next > now) {
      pump_comes_ = true;
      return later([](Endpoint& self) { self.pump(); }, next - now);
    }
    Packet packet;
    if (!datagrams_.empty()) {
      Datagram datagram = std::move(datagrams_.front());
      datagrams_.pop_front();
      packet.size = datagram.bytes.size() + kPacketHeader;
      later([token = datagram.token](Endpoint& self) { self.handler_->on_datagram_sent(token, /*canceled=*/false); });
      packet.content = std::move(datagram);
    } else if (StreamState* stream = next_stream()) {
      const std::uint64_t sent_before = stream->out->sent();
      StreamPiece piece{*stream->id, stream->out->take(Congestion::kPacket - kPacketHeader, credit())};
      connection_sent_ += stream->out->sent() - sent_before;
      packet.size = piece.chunk.size + kPacketHeader;
      packet.content = std::move(piece);
      stream->served = next_packet_;
    } else {
      return congestion_.ran_out();
    }
    transmit(std::move(packet));
  }
}

void Endpoint::transmit(Packet packet) {
  Timeline& timeline = link_->timeline();
  Random& random = link_->random();
  packet.number = next_packet_++;
  packet.sent = timeline.now();
  congestion_.sent(packet);
  const bool narrow = path().bytes_per_second != 0;
  const bool dropped = path().queue != Duration(0) && free_at_ - timeline.now() > path().queue;
  if (narrow && !dropped) {
    const auto takes = std::chrono::nanoseconds(packet.size * std::uint64_t{1'000'000'000} / path().bytes_per_second);
    free_at_ = std::max(free_at_, timeline.now()) + takes;
  }
  const Duration delay =
      std::max(Duration(0), free_at_ - timeline.now()) + path().latency + random.up_to(path().jitter);
  const bool lost = random.chance(path().loss_per_million) || dropped;
  // A packet that arrives may be late enough to be thought lost.
  const bool thought_lost = lost || random.chance(path().loss_per_million / 8);
  const std::uint64_t number = packet.number;
  if (const auto peer = lost ? nullptr : peer_.lock()) {
    peer->later([packet](Endpoint& there) { there.receive(packet); }, delay);
  }
  in_flight_.emplace(number, std::move(packet));
  // What comes after it is acknowledged and it is not (RFC 9002 section 6.1).
  const Duration noticed = lost ? delay + back().latency + round_trip_ / 4 : delay;
  if (thought_lost) later([number](Endpoint& self) { self.on_lost(number); }, noticed);
}

void Endpoint::on_acknowledged(std::uint64_t number) {
  const auto found = in_flight_.find(number);
  if (found == in_flight_.end()) return;  // it was thought lost before
  const Packet packet = std::move(found->second);
  in_flight_.erase(found);
  const Duration sample = link_->timeline().now() - packet.sent;
  round_trip_ = (round_trip_ * 7 + sample) / 8;
  congestion_.acknowledged(packet, link_->timeline().now());
  if (const auto* piece = std::get_if<StreamPiece>(&packet.content)) {
    const auto stream = streams_by_id_.find(piece->id);
    if (stream != streams_by_id_.end()) {
      const StreamPointer kept = stream->second;
      if (kept->out && !kept->out->was_reset()) {
        kept->out->acknowledge(piece->chunk);
        if (kept->key) report_sent(*kept->key, kept->out->take_completed(), /*canceled=*/false);
        if (closed_) return;
      }
      close_if_done(*kept);
    }
  }
  if (reports_) {
    handler_->on_report({.posted_bytes = posted_,
                         .bytes_in_flight = congestion_.in_flight(),
                         .congestion_window = congestion_.window(),
                         .round_trip = std::chrono::duration_cast<std::chrono::microseconds>(round_trip_)});
  }
  pump_later();
}

void Endpoint::on_lost(std::uint64_t number) {
  const auto found = in_flight_.find(number);
  if (found == in_flight_.end()) return;
  Packet packet = std::move(found->second);
  in_flight_.erase(found);
  congestion_.lost(packet, link_->timeline().now());
  if (auto* piece = std::get_if<StreamPiece>(&packet.content)) {
    const auto stream = streams_by_id_.find(piece->id);
    if (stream != streams_by_id_.end() && stream->second->out) stream->second->out->lose(std::move(piece->chunk));
  }
  pump_later();
}

void Endpoint::report_sent(StreamKey key, const std::vector<OutgoingHalf::Completed>& sends, bool canceled) {
  for (const auto& send : sends) {
    posted_ -= send.bytes;
    handler_->on_sent(key, send.token, canceled);
  }
}

}  // namespace msquic_py::transport::memory
